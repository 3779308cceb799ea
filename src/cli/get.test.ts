import { describe, expect, it, vi } from 'vitest'
import { sampleReplica, sampleService, sampleSnapshot } from '../admin/fake-control-plane.ts'
import { FakeTerminal } from './fake-terminal.ts'

const cli = new FakeTerminal()

describe('get', () => {
  it('prints InferenceServices in the columns of kubectl get isvc', async () => {
    const { out, code } = await cli.result('get isvc -n ml')
    expect(code).toBe(0)
    expect(out).toBe(
      'NAME   URL                        READY   PREV   LATEST   PREVROLLEDOUTREVISION   LATESTREADYREVISION    AGE\n' +
        'iris   http://iris.ml.localhost   True    90     10       iris-predictor-00001    iris-predictor-00002   60m\n',
    )
  })

  it('leaves a cell blank where the status says nothing', async () => {
    cli.plane.latest.set(sampleSnapshot({ services: [{ ...sampleService(), status: {} }] }))
    const { out } = await cli.result('get isvc iris -n ml')
    expect(out.split('\n')[1]).toMatch(/^iris {3} +60m$/)
  })

  it('prints revisions and replicas', async () => {
    expect((await cli.result('get rev -n ml')).out).toBe(
      'NAME                   READY   REASON   TRAFFIC   REPLICAS   WANTED   WAITING   INFLIGHT   AGE\n' +
        'iris-predictor-00001   True             90        1          1        0         0          60m\n' +
        'iris-predictor-00002   True             10        3          6        12        29         60m\n',
    )
    const wide = await cli.result('get pods -A -o wide')
    expect(wide.out).toContain('NAMESPACE   NAME')
    expect(wide.out).toMatch(
      /ml +iris-predictor-00002-c3 .* scheduling .* 90s +needs 1 nvidia.com\/gpu, 0 are free\n/,
    )
  })

  it.each([
    ["get isvc iris -n ml -o 'jsonpath={.status.url}'", 'http://iris.ml.localhost'],
    ["get isvc -n ml -o 'jsonpath={.items[*].metadata.name}'", 'iris'],
    [`get isvc iris -n ml -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'`, 'True'],
    ['get isvc -A -o name', 'inferenceservice.serving.kserve.io/iris\n'],
    [
      'get rev -n ml -o name',
      'revision.pilotlight.dev/iris-predictor-00001\nrevision.pilotlight.dev/iris-predictor-00002\n',
    ],
  ])('%s', async (line, expected) => {
    expect(await cli.result(line)).toEqual({ code: 0, out: expected, err: '' })
  })

  it('prints one object as it is and several as a List, with sorted keys', async () => {
    const one = await cli.result('get isvc iris -n ml -o json')
    expect(JSON.parse(one.out)).toEqual(sampleService())
    expect(one.out.startsWith('{\n    "apiVersion"')).toBe(true)
    const list = await cli.result('get isvc -n ml -o yaml')
    expect(list.out).toMatch(
      /^apiVersion: v1\nitems:\n- apiVersion: serving.kserve.io\/v1beta1\n {2}kind: InferenceService/,
    )
    expect(list.out).toContain('kind: List\nmetadata:\n  resourceVersion: ""\n')
  })

  it('says that there is nothing, and fails for a name that does not exist', async () => {
    expect(await cli.result('get isvc')).toEqual({
      code: 0,
      out: '',
      err: 'No resources found in default namespace.\n',
    })
    expect(await cli.result('get isvc nope -n ml')).toEqual({
      code: 1,
      out: '',
      err: 'pilotlight: inferenceservices "nope" not found in ml namespace.\n',
    })
  })

  it('watches: a row for whatever changed, in the same columns', async () => {
    const { seen, finished, interrupt } = cli.start('get replicas -n ml -w')
    await vi.waitFor(() => expect(cli.plane.followers).toBe(1))
    const before = seen.out.split('\n')
    expect(before).toHaveLength(9)
    const replica = sampleReplica('ml/iris-predictor-00002', 'c1', 'ready')
    cli.plane.latest.set(
      sampleSnapshot({
        replicas: [replica, ...cli.plane.snapshot().replicas.filter((r) => r.name !== replica.name)],
      }),
    )
    await vi.waitFor(() => expect(seen.out.split('\n')).toHaveLength(10))
    const row = seen.out.split('\n')[8]!
    expect(row).toMatch(/^iris-predictor-00002-c1 .* ready /)
    expect(row.indexOf('ready')).toBe(before[0]!.indexOf('PHASE'))
    interrupt.abort()
    expect(await finished).toBe(0)
  })
})
