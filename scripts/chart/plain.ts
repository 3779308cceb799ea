import { spawnSync } from 'node:child_process'

const NAMESPACE = 'pilotlight'

/**
 * What `helm template` makes of the chart's defaults, as one file for `kubectl apply -f`: with its namespace, without the
 * test pod, and without labels that say that Helm takes care of it.
 * @throws Error with what helm said.
 */
export function plainFile(helm: string, chart: string): string {
  const { status, stdout, stderr } = spawnSync(
    helm,
    ['template', 'pilotlight', chart, '--namespace', NAMESPACE, '--no-hooks'],
    { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 },
  )
  if (status !== 0) throw new Error(`helm template failed: ${stderr}`)
  const rendered = stdout
    .split('\n')
    .filter(
      (line) =>
        !/^\s*(?:app\.kubernetes\.io\/managed-by: Helm|helm\.sh\/(?:chart|resource-policy): .*)$/.test(line),
    )
    // Nothing is left of the annotations of a CRD.
    .filter((line, index, lines) => line !== '  annotations:' || /^ {4}\S/.test(lines[index + 1] ?? ''))
    .join('\n')
  return `# Made by "npm run generate" from charts/pilotlight with its default values. Install or update with
#   kubectl apply --server-side -f pilotlight.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    app.kubernetes.io/part-of: pilotlight
    pod-security.kubernetes.io/enforce: restricted
${rendered.startsWith('---') ? '' : '---\n'}${rendered}`
}
