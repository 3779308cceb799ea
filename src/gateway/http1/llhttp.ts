import { createRequire } from 'node:module'

/** What llhttp calls while it reads. Offsets count from the start of the bytes handed to `execute`. */
export interface LlhttpEvents {
  onUrl(start: number, end: number): void
  onStatus(start: number, end: number): void
  onField(start: number, end: number): void
  onValue(start: number, end: number): void
  /** Whether llhttp has to read the body, which it does for chunked ones only. */
  onHeadersComplete(status: number, shouldKeepAlive: boolean): boolean
  onBody(start: number, end: number): void
  onMessageComplete(): void
}

/** What the module exports, as far as we use it. A test compares the names with those of the pinned version. */
export interface LlhttpExports {
  readonly memory: WebAssembly.Memory
  _initialize(): void
  malloc(bytes: number): number
  free(pointer: number): void
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_reset(parser: number): void
  llhttp_execute(parser: number, data: number, length: number): number
  llhttp_get_error_pos(parser: number): number
  llhttp_get_error_reason(parser: number): number
  llhttp_get_method(parser: number): number
  llhttp_get_http_major(parser: number): number
  llhttp_get_http_minor(parser: number): number
  llhttp_method_name(method: number): number
}

export const LLHTTP_REQUEST = 1
export const LLHTTP_RESPONSE = 2

/** Values of llhttp's own enums: HPE_OK, HPE_PAUSED, HPE_PAUSED_UPGRADE; skip the body. */
const OK = 0
const PAUSED = 21
const PAUSED_UPGRADE = 22
const SKIP_BODY = 1

/** Bytes that are no HTTP. */
export class ParseError extends Error {
  override readonly name = 'ParseError'
}

/**
 * llhttp, the parser of Node itself, as the WebAssembly module that undici ships (a private path of it: the version is
 * pinned, and a test guards the names). One instance serves all connections of a thread: each has its own parser in the
 * module's memory, and the bytes of the present read lie in one shared scratch block. No lenient flag is set.
 */
export class Llhttp {
  readonly #exports: LlhttpExports
  readonly #methods: string[] = []
  #events: LlhttpEvents | undefined
  #scratchAt = 0
  #scratchBytes = 0
  #scratch = new Uint8Array(0)

  constructor() {
    const onSpan =
      (tell: (events: LlhttpEvents, start: number, end: number) => void) =>
      (_parser: number, at: number, length: number): number => {
        const start = at - this.#scratchAt
        tell(this.#events!, start, start + length)
        return OK
      }
    const imports = {
      wasm_on_message_begin: () => OK,
      wasm_on_url: onSpan((events, start, end) => events.onUrl(start, end)),
      wasm_on_status: onSpan((events, start, end) => events.onStatus(start, end)),
      wasm_on_header_field: onSpan((events, start, end) => events.onField(start, end)),
      wasm_on_header_value: onSpan((events, start, end) => events.onValue(start, end)),
      wasm_on_headers_complete: (_parser: number, status: number, _upgrade: number, keepAlive: number) =>
        this.#events!.onHeadersComplete(status, keepAlive === 1) ? OK : SKIP_BODY,
      wasm_on_body: onSpan((events, start, end) => events.onBody(start, end)),
      wasm_on_message_complete: () => {
        this.#events!.onMessageComplete()
        // What follows is looked at only when somebody asks for it.
        return PAUSED
      },
    }
    const instance = new WebAssembly.Instance(new WebAssembly.Module(llhttpModule()), { env: imports })
    this.#exports = checkedExports(instance.exports)
    this.#exports._initialize()
  }

  /** A parser of requests or responses; to be freed. */
  alloc(type: typeof LLHTTP_REQUEST | typeof LLHTTP_RESPONSE): number {
    return this.#exports.llhttp_alloc(type)
  }

  free(parser: number): void {
    this.#exports.llhttp_free(parser)
  }

  /** Makes a parser ready for the next message. */
  reset(parser: number): void {
    this.#exports.llhttp_reset(parser)
  }

  methodOf(parser: number): string {
    const method = this.#exports.llhttp_get_method(parser)
    return (this.#methods[method] ??= this.#text(this.#exports.llhttp_method_name(method)))
  }

  /** `10` for HTTP/1.0, `11` for HTTP/1.1. */
  versionOf(parser: number): number {
    return this.#exports.llhttp_get_http_major(parser) * 10 + this.#exports.llhttp_get_http_minor(parser)
  }

  /**
   * Reads on. The events must not call `execute`.
   * @returns how many bytes were read: all, unless the message is complete.
   * @throws ParseError with llhttp's reason.
   */
  execute(parser: number, bytes: Uint8Array, events: LlhttpEvents): number {
    const exports = this.#exports
    const { length } = bytes
    if (length > this.#scratchBytes) this.#growScratch(length)
    // The memory may have grown, which detaches views of it.
    if (this.#scratch.buffer !== exports.memory.buffer)
      this.#scratch = new Uint8Array(exports.memory.buffer, this.#scratchAt, this.#scratchBytes)
    this.#scratch.set(bytes)
    this.#events = events
    const code = exports.llhttp_execute(parser, this.#scratchAt, length)
    this.#events = undefined
    if (code === OK) return length
    const read = exports.llhttp_get_error_pos(parser) - this.#scratchAt
    if (code === PAUSED || code === PAUSED_UPGRADE) return read
    throw new ParseError(this.#text(exports.llhttp_get_error_reason(parser)))
  }

  #growScratch(bytes: number): void {
    if (this.#scratchAt !== 0) this.#exports.free(this.#scratchAt)
    this.#scratchBytes = Math.max(65_536, bytes)
    this.#scratchAt = this.#exports.malloc(this.#scratchBytes)
    this.#scratch = new Uint8Array(0)
  }

  /** A NUL-terminated text of the module's memory. */
  #text(pointer: number): string {
    if (pointer === 0) return ''
    const bytes = new Uint8Array(this.#exports.memory.buffer, pointer)
    return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString('latin1')
  }
}

function llhttpModule(): Uint8Array<ArrayBuffer> {
  const bytes: unknown = createRequire(import.meta.url)('undici/lib/llhttp/llhttp_simd-wasm.js')
  if (!Buffer.isBuffer(bytes)) throw new Error('undici ships no llhttp where it is expected')
  return new Uint8Array(bytes)
}

const FUNCTIONS = [
  '_initialize',
  'malloc',
  'free',
  'llhttp_alloc',
  'llhttp_free',
  'llhttp_reset',
  'llhttp_execute',
  'llhttp_get_error_pos',
  'llhttp_get_error_reason',
  'llhttp_get_method',
  'llhttp_get_http_major',
  'llhttp_get_http_minor',
  'llhttp_method_name',
] as const satisfies readonly (keyof LlhttpExports)[]

function checkedExports(exports: object): LlhttpExports {
  if (!isLlhttp(exports)) throw new Error("undici's llhttp exports other names than those we use")
  return exports
}

function isLlhttp(exports: object): exports is LlhttpExports {
  return (
    'memory' in exports &&
    exports.memory instanceof WebAssembly.Memory &&
    FUNCTIONS.every((name) => name in exports && typeof Reflect.get(exports, name) === 'function')
  )
}
