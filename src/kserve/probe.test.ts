import { describe, expect, it } from 'vitest'
import { mergeProbes } from './merge-probes.ts'
import { probeOf } from './probe.ts'

const shout = (text: string) => text.toUpperCase()

describe('probeOf', () => {
  it('keeps all that a kubelet needs to know', () => {
    const probe = {
      tcpSocket: { port: 'web', host: 'h' },
      initialDelaySeconds: 1,
      timeoutSeconds: 2,
      periodSeconds: 3,
      successThreshold: 4,
      failureThreshold: 5,
      terminationGracePeriodSeconds: 6,
    }
    expect(probeOf(probe, shout)).toEqual(probe)
    expect(probeOf({ grpc: { port: 9000, service: 's' } }, shout)).toEqual({
      grpc: { port: 9000, service: 's' },
    })
  })

  it('fills in what is text', () => {
    const httpGet = { path: '/a', host: 'h', port: 80, httpHeaders: [{ name: 'n', value: 'v' }] }
    expect(probeOf({ httpGet }, shout)).toEqual({
      httpGet: { path: '/A', host: 'h', port: 80, httpHeaders: [{ name: 'n', value: 'V' }] },
    })
    expect(probeOf({ exec: { command: ['a'] } }, shout)).toEqual({ exec: { command: ['A'] } })
    expect(probeOf(undefined, shout)).toBeUndefined()
  })
})

describe('mergeProbes', () => {
  const http = { httpGet: { path: '/a', port: 80 }, periodSeconds: 5 }

  it('keeps how the first asks where the second says only when', () => {
    expect(mergeProbes(http, { failureThreshold: 9 })).toEqual({ ...http, failureThreshold: 9 })
  })

  it('merges the same way to ask, and never asks in two ways', () => {
    expect(mergeProbes(http, { httpGet: { path: '/b' } })).toEqual({
      httpGet: { path: '/b', port: 80 },
      periodSeconds: 5,
    })
    expect(mergeProbes(http, { tcpSocket: { port: 1 } })).toEqual({
      tcpSocket: { port: 1 },
      periodSeconds: 5,
    })
    expect(mergeProbes(http, { exec: { command: ['x'] } })).toEqual({
      exec: { command: ['x'] },
      periodSeconds: 5,
    })
    expect(mergeProbes({ grpc: { port: 1 } }, { grpc: { service: 's' } })).toEqual({
      grpc: { port: 1, service: 's' },
    })
  })

  it('is the one where there is no other', () => {
    expect(mergeProbes(undefined, http)).toBe(http)
    expect(mergeProbes(http, undefined)).toBe(http)
  })
})
