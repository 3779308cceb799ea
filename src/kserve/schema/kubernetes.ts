import { z } from 'zod'

/**
 * The parts of Kubernetes that KServe's objects embed. Objects are loose: a key that is not listed is found
 * by `unknownFields`, which says what was probably meant, as `kubectl` would with strict decoding.
 */

const text = z.string()
const count = z.int()
const flag = z.boolean()
/** Passed on as written: its inside is checked by the API server, not by us. */
const anything = z.unknown()
const anyList = z.array(z.unknown())
const quantity = z.union([z.string(), z.number()])
const portNumber = z.union([z.int(), z.string()])

/** Every field optional, unknown fields kept. */
export function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.looseObject(shape).partial()
}

export const objectMeta = fields({
  name: text,
  generateName: text,
  namespace: text,
  annotations: z.record(text, text),
  labels: z.record(text, text),
  uid: text,
  resourceVersion: text,
  generation: count,
  creationTimestamp: text,
  deletionTimestamp: text,
  deletionGracePeriodSeconds: count,
  finalizers: z.array(text),
  ownerReferences: anyList,
  managedFields: anyList,
  selfLink: text,
})

const envVar = z.looseObject({ name: text, value: text.optional(), valueFrom: anything.optional() })

const probe = fields({
  httpGet: fields({
    path: text,
    port: portNumber,
    host: text,
    scheme: z.enum(['HTTP', 'HTTPS']),
    httpHeaders: z.array(z.looseObject({ name: text, value: text })),
  }),
  tcpSocket: fields({ port: portNumber, host: text }),
  exec: fields({ command: z.array(text) }),
  grpc: fields({ port: count, service: text }),
  initialDelaySeconds: count,
  timeoutSeconds: count,
  periodSeconds: count,
  successThreshold: count,
  failureThreshold: count,
  terminationGracePeriodSeconds: count,
})

export const containerFields = {
  name: text,
  image: text,
  command: z.array(text),
  args: z.array(text),
  env: z.array(envVar),
  envFrom: anyList,
  workingDir: text,
  ports: z.array(
    z.looseObject({
      containerPort: count,
      name: text.optional(),
      protocol: text.optional(),
      appProtocol: text.optional(),
      hostPort: count.optional(),
      hostIP: text.optional(),
    }),
  ),
  resources: fields({
    limits: z.record(text, quantity),
    requests: z.record(text, quantity),
    claims: anyList,
  }),
  resizePolicy: anyList,
  restartPolicy: text,
  restartPolicyRules: anyList,
  volumeMounts: anyList,
  volumeDevices: anyList,
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: anything,
  terminationMessagePath: text,
  terminationMessagePolicy: text,
  imagePullPolicy: text,
  securityContext: anything,
  stdin: flag,
  stdinOnce: flag,
  tty: flag,
}

export const container = fields(containerFields)
export type Container = z.infer<typeof container>
export type ContainerProbe = z.infer<typeof probe>

/** What a pod spec has beside its containers. */
export const podFields = {
  activeDeadlineSeconds: count,
  affinity: anything,
  automountServiceAccountToken: flag,
  dnsConfig: anything,
  dnsPolicy: text,
  enableServiceLinks: flag,
  ephemeralContainers: anyList,
  hostAliases: anyList,
  hostIPC: flag,
  hostNetwork: flag,
  hostPID: flag,
  hostUsers: flag,
  hostname: text,
  hostnameOverride: text,
  imagePullSecrets: anyList,
  initContainers: z.array(container),
  nodeName: text,
  nodeSelector: z.record(text, text),
  os: anything,
  overhead: anything,
  preemptionPolicy: text,
  priority: count,
  priorityClassName: text,
  readinessGates: anyList,
  resourceClaims: anyList,
  resources: anything,
  restartPolicy: text,
  runtimeClassName: text,
  schedulerName: text,
  schedulingGates: anyList,
  securityContext: anything,
  serviceAccount: text,
  serviceAccountName: text,
  setHostnameAsFQDN: flag,
  shareProcessNamespace: flag,
  subdomain: text,
  terminationGracePeriodSeconds: count,
  tolerations: anyList,
  topologySpreadConstraints: anyList,
  volumes: anyList,
  workloadRef: anything,
}

/** The names of `podFields` and `containers`, to tell a pod's fields from KServe's own. */
export const podFieldNames: ReadonlySet<string> = new Set(Object.keys(podFields))
