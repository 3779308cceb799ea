/** Label selectors as `kubectl -l` takes them: what an HPA finds its pods by. */

export type Selector = (labels: Readonly<Record<string, string>>) => boolean

const KEY = String.raw`[A-Za-z0-9][\w./-]*`
const VALUE = String.raw`[\w.-]*`
const EQUALITY = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*(${VALUE})$`)
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`)

/** The selector that a text means; undefined where it cannot be read. */
export function parseSelector(text: string): Selector | undefined {
  const requirements = text.split(/,(?![^(]*\))/).map((part) => parseRequirement(part.trim()))
  const parsed = requirements.filter((requirement) => requirement !== undefined)
  if (parsed.length < requirements.length) return undefined
  return (labels) => parsed.every((requirement) => requirement(labels))
}

function parseRequirement(text: string): Selector | undefined {
  const equality = EQUALITY.exec(text)
  if (equality !== null) {
    const [, key = '', operator, value] = equality
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value
  }
  const set = SET.exec(text)
  if (set !== null) {
    const [, key = '', operator, list = ''] = set
    const values = new Set(list.split(',').map((value) => value.trim()))
    const isIn: Selector = (labels) => labels[key] !== undefined && values.has(labels[key])
    return operator === 'in' ? isIn : (labels) => !isIn(labels)
  }
  const exists = EXISTS.exec(text)
  if (exists === null) return undefined
  const [, not, key = ''] = exists
  return (labels) => (labels[key] === undefined) === (not === '!')
}
