/** Packages without types, and names that the build gives. */

declare module '*/decodewasmjs' {
  const factory: (options: object) => Promise<any>;
  export default factory;
}
declare module '*/wasmjs' {
  const factory: (options: object) => Promise<any>;
  export default factory;
}
declare module '*/decodewasm' {
  const url: string;
  export default url;
}
declare module '*/wasm' {
  const url: string;
  export default url;
}
declare module '@cornerstonejs/jpeg-lossless-decoder-js' {
  export const Decoder: new () => any;
}
/** File name of the worker beside the bundle, with the hash of its content. */
declare const WORKER_FILE: string;
