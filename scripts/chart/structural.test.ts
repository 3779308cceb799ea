import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { at, structuralOf } from './structural.ts'

describe('a schema of zod as one of Kubernetes', () => {
  it('names the fields of loose objects, and only those have to be there that are not optional', () => {
    const schema = z.looseObject({ name: z.string(), count: z.int().min(1).max(9).optional() })
    expect(structuralOf(schema)).toEqual({
      type: 'object',
      properties: { name: { type: 'string' }, count: { type: 'integer', minimum: 1, maximum: 9 } },
      required: ['name'],
    })
  })

  it('has maps, lists, enumerations, and no bounds that nobody set', () => {
    const schema = z.looseObject({
      labels: z.record(z.string(), z.string()),
      ports: z.array(z.int()),
      mode: z.enum(['a', 'b']),
    })
    expect(structuralOf(schema).properties).toEqual({
      labels: { type: 'object', additionalProperties: { type: 'string' } },
      ports: { type: 'array', items: { type: 'integer' } },
      mode: { type: 'string', enum: ['a', 'b'] },
    })
  })

  it('knows ports, which are whole, and quantities, which may not be', () => {
    expect(structuralOf(z.union([z.string(), z.int()]))).toEqual({ 'x-kubernetes-int-or-string': true })
    expect(structuralOf(z.union([z.string(), z.number()]))).toEqual({
      'x-kubernetes-preserve-unknown-fields': true,
    })
  })

  it('passes on what it does not know, and says where null is allowed', () => {
    expect(structuralOf(z.looseObject({ any: z.unknown().optional(), time: z.string().nullable() }))).toEqual(
      {
        type: 'object',
        properties: {
          any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          time: { type: 'string', nullable: true },
        },
        required: ['time'],
      },
    )
  })

  it('refuses what a custom resource cannot say, and names the place', () => {
    const schema = z.looseObject({ spec: z.looseObject({ either: z.union([z.string(), z.boolean()]) }) })
    expect(() => structuralOf(schema)).toThrow('spec.either: ')
  })

  it('finds a field by its path', () => {
    const schema = structuralOf(z.looseObject({ list: z.array(z.looseObject({ name: z.string() })) }))
    expect(at(schema, 'list[].name')).toEqual({ type: 'string' })
    expect(() => at(schema, 'list[].nam')).toThrow('no field nam on the way to list[].nam')
  })
})
