import { describe, expect, it } from 'vitest'
import { parseTemplate, renderTemplate } from './index.ts'

const document = {
  kind: 'List',
  status: { url: 'http://iris', ready: true, empty: null },
  metadata: { annotations: { 'serving.kserve.io/stop': 'true', 'a b': 'x' } },
  items: [
    { metadata: { name: 'a' }, n: 1, conditions: [{ type: 'Ready', status: 'True' }] },
    { metadata: { name: 'b' }, n: 2, conditions: [{ type: 'Other', status: 'Unknown' }] },
    { metadata: { name: 'c' }, n: 3, tag: 'prev' },
  ],
}

const run = (template: string): string => renderTemplate(parseTemplate(template), document)

describe('a template', () => {
  it.each([
    ['{.status.url}', 'http://iris'],
    ['{$.status.url}', 'http://iris'],
    ['{status.url}', 'http://iris'],
    ['{.status.ready}', 'true'],
    ['{.status.empty}', ''],
    ['{.missing.field}', ''],
    ['{.status}', '{"url":"http://iris","ready":true,"empty":null}'],
    ['{.items[*].metadata.name}', 'a b c'],
    ['{.items[0].metadata.name}', 'a'],
    ['{.items[-1].metadata.name}', 'c'],
    ['{.items[7].metadata.name}', ''],
    ['{.items[0:2].metadata.name}', 'a b'],
    ['{.items[1:].metadata.name}', 'b c'],
    ['{.items[::2].metadata.name}', 'a c'],
    ['{.items[0,2].metadata.name}', 'a c'],
    ["{.items[0]['metadata']['name']}", 'a'],
    ["{.items[*]['n','tag']}", '1 2 3 prev'],
    ["{.metadata.annotations['serving.kserve.io/stop']}", 'true'],
    [String.raw`{.metadata.annotations.serving\.kserve\.io/stop}`, 'true'],
    ["{.metadata.annotations['a b']}", 'x'],
    ['{..name}', 'a b c'],
    ['{.status.*}', 'http://iris true '],
    ["{.items[*].conditions[?(@.type=='Ready')].status}", 'True'],
    ['{.items[*].conditions[?(@.type == "Ready")].status}', 'True'],
    ['{.items[?(@.n>=2)].metadata.name}', 'b c'],
    ['{.items[?(@.n<2)].metadata.name}', 'a'],
    ['{.items[?(@.n!=2)].metadata.name}', 'a c'],
    ['{.items[?(@.tag)].metadata.name}', 'c'],
    ["{.items[?(@.tag=='none')].metadata.name}", ''],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.n}{"\\n"}{end}', 'a\t1\nb\t2\nc\t3\n'],
    ['{range .items[*]}[{.metadata.name}]{end} of {.kind}', '[a][b][c] of List'],
    ["{range .items[*]}{range .conditions[*]}{.type}{','}{end}{end}", 'Ready,Other,'],
    ['{range .items[*]}{$.kind} {end}', 'List List List '],
    ["{'}'}{.kind}{'{'}", '}List{'],
    ['plain text', 'plain text'],
    ['{.kind}{"\\n"}', 'List\n'],
    ['', ''],
  ])('%s', (template, text) => {
    expect(run(template)).toBe(text)
  })

  it.each([
    ['{.status.url', 'the { in column 1 is not closed'],
    ['{range .items[*]}{.n}', '{range PATH} without an {end}'],
    ['{end}', '{end} without a {range PATH} before it'],
    ['{.items[}', 'column 8: a subscript is an index'],
    ['{.items[0}', 'column 9: "]" is missing after the subscript'],
    ['{.items[?(@.n==)]}', "a filter compares @.field with a number, true, false or a 'string'"],
    ['{.items[?(@.n==1 && @.n==2)]}', '")" is missing after the filter'],
    ['{.items[::0]}', 'the step of a slice must be at least 1'],
    ['{.status.}', 'a field name or * is missing after the dot'],
    ["{'abc}", 'is not closed'],
    ['{=}', '"=" is not understood here'],
  ])('%s is refused', (template, problem) => {
    expect(() => run(template)).toThrow(problem)
  })
})
