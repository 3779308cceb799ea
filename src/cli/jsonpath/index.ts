/**
 * kubectl's JSONPath templates: text with expressions in braces, `{range PATH}...{end}`, quoted strings, filters.
 * A path that finds nothing prints nothing, as `kubectl get -o jsonpath` does.
 */
export { JsonPathError } from './lexer.ts'
export { parseTemplate, type Template } from './template.ts'
export { queryTemplate, renderTemplate } from './render.ts'
