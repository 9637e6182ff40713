// Module types that the build supplies: WASM modules inlined as bytes (`.z`: as a zlib stream of them), WGSL as text.
declare module '*.wasm' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
declare module '*.wasm.z' {
  const bytes: Uint8Array<ArrayBuffer>;
  export default bytes;
}
declare module '*.wgsl' {
  const source: string;
  export default source;
}
