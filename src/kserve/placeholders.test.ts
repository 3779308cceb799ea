import { describe, expect, it } from 'vitest'

import { fillPlaceholders, placeholderError } from './placeholders.ts'

const values = {
  name: 'iris',
  namespace: 'ml',
  annotations: { modelFormat: 'sklearn' },
  labels: { team: 'a-1' },
}

describe('placeholders', () => {
  it.each([
    ['--model_name={{.Name}}', '--model_name=iris'],
    ['{{ .Namespace }}/{{.Name}}', 'ml/iris'],
    ['{{.Annotations.modelFormat}}', 'sklearn'],
    ['{{.Labels.team}}', 'a-1'],
    ['[{{.Labels.absent}}]', '[]'],
    ['--port={{ .Port }} {{.ModelDir}}', '--port={{.Port}} {{.ModelDir}}'],
    ['--grpc_port={{ .GrpcPort }}', '--grpc_port={{.GrpcPort}}'],
    ['${HOME} {x}', '${HOME} {x}'],
  ])('%s becomes %s', (text, filled) => {
    expect(fillPlaceholders(text, values)).toBe(filled)
    expect(placeholderError(text)).toBeUndefined()
  })

  it('names a placeholder that nothing fills', () => {
    expect(placeholderError('{{.Names}}')).toMatch(
      /unknown placeholder {{\.Names}}; did you mean {{\.Name}}\?/,
    )
    expect(placeholderError('{{.GRPCPort}}')).toMatch(
      /did you mean {{\.GrpcPort}}\?.* known are .*{{\.GrpcPort}}/,
    )
  })
})
