/**
 * The parts of the page, each from its data to a DOM element. Data goes in as text nodes and attributes only, so
 * nothing that a manifest says can become markup.
 */

const PHASES = ['ready', 'loading', 'pulling', 'scheduling', 'draining', 'failed']
/** Above this a row of dots says less than a number. */
const DOTS_MAX = 40

/** `h('li', { class: 'card' }, 'text', child)`; attributes that are undefined are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value)
  }
  element.append(...children.filter((child) => child !== undefined))
  return element
}

/**
 * Makes the children of `list` stand for `items`, in their order. A child whose data did not change is kept as it is,
 * so that focus, selection and running transitions survive an update elsewhere.
 */
export function reconcile(list, items, keyOf, render) {
  const old = new Map([...list.children].map((child) => [child.dataset.key, child]))
  let at = list.firstElementChild
  for (const item of items) {
    const key = keyOf(item)
    const data = JSON.stringify(item)
    let child = old.get(key)
    old.delete(key)
    if (child === undefined || child.pilotlightData !== data) {
      const fresh = render(item)
      fresh.dataset.key = key
      fresh.pilotlightData = data
      if (child === undefined) list.insertBefore(fresh, at)
      else child.replaceWith(fresh)
      if (at === child) at = fresh
      child = fresh
    }
    if (child === at) at = at.nextElementSibling
    else list.insertBefore(child, at)
  }
  for (const gone of old.values()) gone.remove()
}

/** `ml/iris` with a quiet namespace. */
function qualified(name) {
  const slash = name.indexOf('/')
  return h('h3', {}, h('span', { class: 'ns' }, name.slice(0, slash + 1)), name.slice(slash + 1))
}

function shortName(name) {
  return name.slice(name.indexOf('/') + 1)
}

export function total(label, value) {
  return h('div', {}, h('dt', {}, label), h('dd', {}, String(value)))
}

export function problem({ source, kind, namespace, name, message }) {
  return h('li', {}, h('strong', {}, `${kind} ${namespace}/${name}`), `${message} `, h('code', {}, source))
}

export function service({ metadata, status }) {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  const words = { True: 'ready', False: 'not ready', Unknown: 'not ready yet' }[ready?.status ?? 'Unknown']
  const why = ready?.message ?? ready?.reason
  return h(
    'li',
    { class: 'card' },
    h(
      'div',
      { class: 'head' },
      qualified(`${metadata.namespace}/${metadata.name}`),
      h('span', { class: 'state', 'data-ready': ready?.status ?? 'Unknown' }, words),
    ),
    status.url === undefined ? undefined : h('p', {}, urlLink(status.url)),
    why && ready?.status !== 'True' ? h('p', { class: 'note', 'data-bad': '' }, why) : undefined,
  )
}

/** Only http(s) becomes a link: a `javascript:` URL stays text. */
function urlLink(url) {
  return /^https?:\/\//.test(url)
    ? h('a', { class: 'mono', href: url, rel: 'noreferrer' }, url)
    : h('span', { class: 'mono' }, url)
}

export function route({ name, hosts, pathPrefixes, match, split }) {
  const spoken = split.map((target) => `${target.percent}% to ${shortName(target.revision)}`).join(', ')
  const bar = h('div', { class: 'bar', role: 'img', 'aria-label': `split: ${spoken}` })
  const shares = h('ul', { class: 'shares' })
  // The tone goes by the revision's name, so that a colour stays with its revision while the order changes.
  const tones = split.map((target) => target.revision).toSorted()
  for (const target of split) {
    const { percent, tag } = target
    const tone = String(tones.indexOf(target.revision))
    const part = h('i', { 'data-tone': tone })
    part.style.flexGrow = String(percent)
    bar.append(part)
    shares.append(
      h(
        'li',
        {},
        h('span', { class: 'key', 'data-tone': tone }),
        h(
          'span',
          { class: 'name' },
          shortName(target.revision),
          tag === undefined ? undefined : h('span', { class: 'tag' }, tag),
        ),
        h('span', { class: 'percent' }, `${percent}%`),
      ),
    )
  }
  const where = [...hosts, ...pathPrefixes, ...(match === 'explain' ? ['only :explain'] : [])].join('  ·  ')
  return h('li', { class: 'card' }, qualified(name), bar, shares, h('p', { class: 'note mono' }, where))
}

/** `revision` is a RevisionView with the replicas that say why they are not ready under `notes`. */
export function revision(view) {
  const { name, ready, reason, trafficPercent, wanted, minScale, maxScale, replicas, waiting, inFlight } =
    view
  const state = { True: 'ready', False: 'not ready', Unknown: 'not ready yet' }[ready]
  return h(
    'li',
    { class: 'card' },
    h(
      'div',
      { class: 'head' },
      qualified(name),
      h('span', { class: 'state', 'data-ready': ready }, `${state} · ${trafficPercent}%`),
    ),
    dots(replicas),
    h(
      'dl',
      { class: 'numbers' },
      number('wanted', wanted),
      number('min – max', `${minScale} – ${maxScale === 0 ? '∞' : maxScale}`),
      number('queued', waiting, waiting > 0),
      number('in flight', inFlight),
    ),
    reason === undefined ? undefined : h('p', { class: 'note', 'data-bad': '' }, reason),
    view.lastDecision === undefined
      ? h('p', { class: 'why note' }, 'no decision yet')
      : decision(view.lastDecision),
    view.notes.length === 0 ? undefined : h('ul', { class: 'reasons' }, ...view.notes.map(note)),
  )
}

function number(label, value, loud = false) {
  return h('div', { 'data-loud': loud ? '' : undefined }, h('dt', {}, label), h('dd', {}, String(value)))
}

function note({ name, phase, reason }) {
  return h('li', {}, `${name.slice(name.lastIndexOf('-') + 1)} is ${phase}: ${reason}`)
}

function dots(replicas) {
  const counted = PHASES.filter((phase) => replicas[phase] > 0)
  const spoken = counted.map((phase) => `${replicas[phase]} ${phase}`).join(', ') || 'asleep: no replicas'
  const all = counted.flatMap((phase) => Array.from({ length: replicas[phase] }, () => phase))
  const row = h('div', { class: 'dots', role: 'img', 'aria-label': spoken })
  for (const phase of all.slice(0, DOTS_MAX)) row.append(h('i', { class: 'dot', 'data-phase': phase }))
  row.append(h('span', {}, spoken))
  return row
}

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
})

export function timeOfDay(epochMs) {
  return CLOCK.format(epochMs)
}

function rounded(value) {
  return String(Math.round(value * 100) / 100)
}

/** `panic: 6 replicas, because ...` in words. */
function decision({ class: kind, atMs, replicas, mode, limits, signals, inputs }) {
  const unit = inputs.metric === 'rps' ? 'requests per second' : 'requests at once'
  const outcome =
    replicas === undefined
      ? 'no data, nothing changed'
      : `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`
  const load = `${rounded(inputs.stable)} ${unit} in the stable window, ${rounded(inputs.panic)} in the panic window`
  return h(
    'div',
    { class: 'why' },
    h(
      'p',
      {},
      h('span', { class: 'mode', 'data-mode': mode }, kind === 'kpa' ? mode : kind),
      `: ${outcome}`,
      h('span', { class: 'note' }, ` at ${timeOfDay(atMs)}`),
    ),
    h(
      'p',
      { class: 'note' },
      kind === 'kpa'
        ? `${load}; ${rounded(inputs.target)} per replica aimed at, ${inputs.ready} ready`
        : `${load}; ${inputs.ready} ready`,
    ),
    // The two windows of the KPA are in the line above.
    kind === 'kpa' || signals.length === 0
      ? undefined
      : h('ul', { class: 'reasons' }, ...signals.map(signal)),
    limits.length === 0 ? undefined : h('p', { class: 'note' }, `limits: ${limits.join(', ')}`),
  )
}

/** `panic window: 41 requests at once, target 7, asks for 6`; the one that counts is strong. */
function signal({ name, unit, value, target, proposal, binding, reason }) {
  const measured = value === undefined ? 'no value' : `${rounded(value)} ${unit}`
  const words = [
    `${name}: ${measured}`,
    ...(target === undefined ? [] : [`target ${rounded(target)}`]),
    ...(reason === undefined ? [] : [reason]),
    ...(proposal === undefined ? [] : [`asks for ${proposal}`]),
  ].join(', ')
  return h('li', {}, binding ? h('strong', {}, words) : words)
}
