/** The part of WebAssembly that llhttp.ts uses: the types of Node leave it to those of the browser. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>)
  }
  class Instance {
    readonly exports: object
    constructor(module: Module, imports: Record<string, Record<string, (...numbers: number[]) => number>>)
  }
  class Memory {
    readonly buffer: ArrayBuffer
  }
}
