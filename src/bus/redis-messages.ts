import { z } from 'zod'
import type { ReplicaName, RevisionName } from '../core/names.ts'
import type { Report, SlotMessage } from '../core/report.ts'

/**
 * What processes say to each other through Redis: JSON, one value a message. A field that is not known is passed over,
 * so that two versions of Pilotlight that run side by side during an upgrade understand each other. What would break
 * that gets a new number in the channels' names.
 */
const FORMAT = 'v1'

/** Names in Redis of one installation. */
export interface Channels {
  /** From gateways to the controllers that joined. */
  readonly up: string
  /** From a controller to the gateways that joined. */
  readonly down: string
  /** To the process that asked. */
  readonly answers: string
  /** A key, not a channel: gateways that joined, by when they were last heard of. */
  readonly gateways: string
}

export function channelsOf(prefix: string, instance: string): Channels {
  const of = (name: string): string => `${prefix}:${FORMAT}:${name}`
  return {
    up: of('up'),
    down: of('down'),
    answers: answersChannel(prefix, instance),
    gateways: of('gateways'),
  }
}

/** Where an instance hears what it asked for. */
export function answersChannel(prefix: string, instance: string): string {
  return `${prefix}:${FORMAT}:answers:${instance}`
}

/** Where a gateway hears what others say of the slots that they divide. */
export function slotsChannel(prefix: string, gateway: string): string {
  return `${prefix}:${FORMAT}:slots:${gateway}`
}

/**
 * One life of a process: its name and a number of its own. Of two with one name, one after the other or by mistake at
 * once, each is waited for, and neither gets what the other asked for.
 */
export function instanceOf(name: string, number: number): string {
  return `${name}#${number.toString(36)}`
}

export function nameOf(instance: string): string {
  return instance.slice(0, instance.lastIndexOf('#'))
}

const qualified = z.custom<`${string}/${string}`>(
  (value) => typeof value === 'string' && /^[^/\s]+\/[^/\s]+$/.test(value),
  'has to be namespace/name',
)
const name = z.string().min(1).max(300)
const count = z.int().min(0)

/** A report without the names of its fields, of which a message may hold thousands. */
const reportTuple = z.tuple([
  name,
  qualified,
  z.number(),
  z.number().min(0),
  count,
  count,
  count,
  // Requests that waited and ms, tokens of prompts and generated ones.
  z.tuple([count, z.number().min(0), count, count]).optional(),
])
type ReportTuple = z.infer<typeof reportTuple>

/** The forms of a kind of message, by the field that only this form has. */
type Forms<T> = Readonly<Record<string, z.ZodType<T>>>

export type UpMessage = { readonly reports: readonly Report[] } | { readonly wake: RevisionName }
type UpWire = { readonly reports: readonly ReportTuple[] } | { readonly wake: RevisionName }
const upForms: Forms<UpWire> = {
  reports: z.object({ reports: z.array(reportTuple) }),
  wake: z.object({ wake: qualified }),
}

export type Question = { readonly letGo: RevisionName } | { readonly load: readonly ReplicaName[] }
export type DownMessage =
  | ({ readonly from: string; readonly id: number } & Question)
  | { readonly keep: RevisionName }
const downForms: Forms<DownMessage> = {
  letGo: z.object({ from: name, id: count, letGo: qualified }),
  load: z.object({ from: name, id: count, load: z.array(qualified) }),
  keep: z.object({ keep: qualified }),
}

/** `inFlight` in the order of the replicas that were asked for. */
export type AnswerMessage = { readonly from: string; readonly id: number } & (
  | { readonly released: boolean }
  | { readonly inFlight: readonly number[] }
)
const answerForms: Forms<AnswerMessage> = {
  released: z.object({ from: name, id: count, released: z.boolean() }),
  inFlight: z.object({ from: name, id: count, inFlight: z.array(count) }),
}

const said = { from: name, life: z.number() }
const slotForms: Readonly<Record<SlotMessage['kind'], z.ZodType<SlotMessage>>> = {
  divide: z.object({ ...said, kind: z.literal('divide'), round: count, members: z.array(name) }),
  divided: z.object({
    ...said,
    kind: z.literal('divided'),
    toLife: z.number(),
    round: count,
    over: z.array(z.tuple([qualified, count])),
    lives: z.number(),
  }),
  borrow: z.object({
    ...said,
    kind: z.literal('borrow'),
    revision: qualified,
    wanted: count,
    waitedMs: z.number(),
  }),
  lend: z.object({
    ...said,
    kind: z.literal('lend'),
    toLife: z.number(),
    revision: qualified,
    replica: qualified,
    lease: count,
  }),
  'give-back': z.object({ ...said, kind: z.literal('give-back'), toLife: z.number(), lease: count }),
}

/** A message that nobody can act on: which field of it is wrong. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage'
}

export function encodeReports(reports: readonly Report[]): string {
  return JSON.stringify({ reports: reports.map(tupleOf) })
}

export function encode(
  message: { readonly wake: RevisionName } | DownMessage | AnswerMessage | SlotMessage,
): string {
  return JSON.stringify(message)
}

/** @throws MalformedMessage */
export function decodeUp(text: string): UpMessage {
  const message = parse(upForms, text)
  return 'wake' in message ? message : { reports: message.reports.map(reportOf) }
}

/** @throws MalformedMessage */
export function decodeDown(text: string): DownMessage {
  return parse(downForms, text)
}

/** @throws MalformedMessage */
export function decodeAnswer(text: string): AnswerMessage {
  return parse(answerForms, text)
}

/** @throws MalformedMessage */
export function decodeSlot(text: string): SlotMessage {
  const value = jsonOf(text)
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? String(value.kind) : ''
  const form = Object.entries(slotForms).find(([known]) => known === kind)?.[1]
  if (form === undefined) {
    throw new MalformedMessage(
      `kind: ${JSON.stringify(kind)} is none of ${Object.keys(slotForms).join(', ')}`,
    )
  }
  return checked(form, value)
}

function tupleOf(report: Report): ReportTuple {
  const { gateway, revision, atMs, concurrency, requests, waiting, inFlight, waited, tokens } = report
  if (waited === undefined && tokens === undefined) {
    return [gateway, revision, atMs, concurrency, requests, waiting, inFlight]
  }
  const { requests: left = 0, totalMs = 0 } = waited ?? {}
  const { prompt = 0, generated = 0 } = tokens ?? {}
  const rest: [number, number, number, number] = [left, totalMs, prompt, generated]
  return [gateway, revision, atMs, concurrency, requests, waiting, inFlight, rest]
}

function reportOf(tuple: ReportTuple): Report {
  const [gateway, revision, atMs, concurrency, requests, waiting, inFlight, rest] = tuple
  const report = { gateway, revision, atMs, concurrency, requests, waiting, inFlight }
  if (rest === undefined) return report
  const [left, totalMs, prompt, generated] = rest
  return {
    ...report,
    ...(left > 0 ? { waited: { requests: left, totalMs } } : {}),
    ...(prompt + generated > 0 ? { tokens: { prompt, generated } } : {}),
  }
}

function parse<T>(forms: Forms<T>, text: string): T {
  const value = jsonOf(text)
  const fields = typeof value === 'object' && value !== null ? value : {}
  const form = Object.entries(forms).find(([field]) => field in fields)?.[1]
  if (form === undefined) throw new MalformedMessage(`it has none of ${Object.keys(forms).join(', ')}`)
  return checked(form, value)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new MalformedMessage('the message is not JSON', { cause: error })
  }
}

function checked<T>(form: z.ZodType<T>, value: unknown): T {
  const parsed = form.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new MalformedMessage(`${issue?.path.join('.')}: ${issue?.message}`)
}
