/** The part of WebAssembly that llhttp.ts uses: the types of Node leave it to those of the browser. */
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: 'WebAssembly.Module'
  }
  const Module: new (bytes: Uint8Array<ArrayBuffer>) => Module
  class Instance {
    readonly exports: object
    constructor(module: Module, imports: Record<string, Record<string, (...numbers: number[]) => number>>)
  }
  class Memory {
    readonly buffer: ArrayBuffer
  }
}
