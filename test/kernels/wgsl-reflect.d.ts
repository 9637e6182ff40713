// The types of wgsl_reflect for its file of modules; the package states them for its CommonJS file only.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export * from 'wgsl_reflect';
}
