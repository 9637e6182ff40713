// What the build makes of a kernel file: its text with imports brought in, without comments.
declare module '*.wgsl' {
  const text: string;
  export default text;
}
