import type { Validation } from './policy-expressions.ts'

/** KServe's checks of a component's scaling fields, by mode and autoscaler, slips included, in its words. */

const hpa =
  "((variables.mode == 'Standard' && variables.autoscaler == 'hpa') || (variables.mode != 'Standard' && " +
  "'autoscaling.knative.dev/class' in variables.annotations && variables.annotations['autoscaling.knative.dev/class'] == 'hpa.autoscaling.knative.dev'))"
const keda = "(variables.mode == 'Standard' && variables.autoscaler == 'keda')"
const kpa = `(variables.mode != 'Standard' && !${hpa})`

const percentWords = 'the target utilization percentage should be a [1-100] integer'
const smallMemory = 'the target memory should be greater than 1 MiB'

/** Every metric of every component satisfies `check` of `m`. */
const everyMetric = (check: string): string =>
  `variables.components.all(c, !has(c.autoScaling) || !has(c.autoScaling.metrics) || c.autoScaling.metrics.all(m, ${check}))`

const target = (source: string): string => `has(m.${source}) && has(m.${source}.target)`

const percentInRange =
  `!(${target('resource')} && has(m.resource.target.averageUtilization)) || ` +
  '(m.resource.target.averageUtilization >= 1 && m.resource.target.averageUtilization <= 100)'

const oneMebibyte =
  `!(${target('resource')} && has(m.resource.target.averageValue)) || !isQuantity(string(m.resource.target.averageValue)) || ` +
  "quantity(string(m.resource.target.averageValue)).compareTo(quantity('1Mi')) >= 0"

const isResource = "m.type == 'Resource' && has(m.resource)"
const isCpu = `${isResource} && has(m.resource.name) && m.resource.name == 'cpu'`
const isMemory = `${isResource} && !(has(m.resource.name) && m.resource.name == 'cpu')`
const targetType = "(has(m.resource.target) && has(m.resource.target.type) ? m.resource.target.type : '')"

/** The scaleMetric of the first component that has a wrong one. */
const namedMetric = (wrong: string): string =>
  `"[" + variables.components.filter(c, has(c.scaleMetric) && ${wrong})[0].scaleMetric + "] is not a supported metric"`

const metricOfKnative = "c.scaleMetric in ['cpu', 'memory']"
const metricOfHpa = "!(c.scaleMetric in ['cpu', 'memory'])"

const missingSource = (type: string, field: string, words: string): Validation => ({
  expression: `!${keda} || ${everyMetric(`m.type != '${type}' || has(m.${field})`)}`,
  message: `metricSpec.${type} is not set for ${words} metric source type`,
})

const everySource = (check: (source: string) => string): string =>
  everyMetric(
    [
      `(m.type != 'External' || !has(m.external) || ${check('external')})`,
      `(m.type != 'PodMetric' || !has(m.podmetric) || ${check('podmetric')})`,
    ].join(' && '),
  )

export const scalingRules: readonly Validation[] = [
  {
    expression: `!${kpa} || variables.components.all(c, !has(c.scaleMetric) || !(${metricOfKnative}))`,
    messageExpression: namedMetric(metricOfKnative),
  },
  {
    expression: `!${kpa} || variables.components.all(c, !has(c.scaleMetric) || c.scaleMetric != 'rps' || !has(c.scaleTarget) || c.scaleTarget >= 1)`,
    message: 'the target for rps should be greater than 1',
  },
  {
    expression: `!${hpa} || variables.components.all(c, !has(c.scaleMetric) || !(${metricOfHpa}))`,
    messageExpression: namedMetric(metricOfHpa),
  },
  {
    // The upper bound holds for memory too, by a slip of the original.
    expression:
      `!${hpa} || variables.components.all(c, !has(c.scaleTarget) || (c.scaleTarget <= 100 && ` +
      "(c.scaleTarget >= 1 || (has(c.scaleMetric) && c.scaleMetric == 'memory'))))",
    message: percentWords,
  },
  {
    expression: `!${hpa} || variables.components.all(c, !has(c.scaleTarget) || !has(c.scaleMetric) || c.scaleMetric != 'memory' || c.scaleTarget >= 1)`,
    message: smallMemory,
  },
  {
    expression: `!${hpa} || ${everyMetric("m.type == 'Resource'")}`,
    messageExpression:
      '"invalid HPA metric source type with value [" + variables.components.filter(c, has(c.autoScaling) && has(c.autoScaling.metrics) && ' +
      "c.autoScaling.metrics.exists(m, m.type != 'Resource'))[0].autoScaling.metrics.filter(m, m.type != 'Resource')[0].type + " +
      '"],valid metric source types are Resource"',
  },
  {
    expression: `!(${hpa} || ${keda}) || ${everyMetric("m.type != 'Resource' || has(m.resource)")}`,
    message: 'metricSpec.Resource is not set for resource metric source type',
  },
  {
    expression: `!${hpa} || ${everyMetric(`!(${isCpu}) || ${percentInRange}`)}`,
    message: percentWords,
  },
  {
    expression: `!${hpa} || ${everyMetric(`!(${isMemory}) || ${oneMebibyte}`)}`,
    message: smallMemory,
  },
  {
    expression: `!${keda} || variables.components.all(c, !has(c.scaleMetric))`,
    message: 'ScaleMetric is not supported for KEDA',
  },
  missingSource('External', 'external', 'external'),
  missingSource('PodMetric', 'podmetric', 'pod'),
  {
    expression: `!${keda} || ${everyMetric(`!(${isCpu}) || ${targetType} == 'Utilization'`)}`,
    message: 'the cpu target value type should be Utilization',
  },
  {
    expression: `!${keda} || ${everyMetric(`!(${isCpu}) || ${percentInRange}`)}`,
    message: percentWords,
  },
  {
    expression: `!${keda} || ${everyMetric(`!(${isMemory}) || ${targetType} in ['AverageValue', 'Utilization']`)}`,
    message: 'the memory target value type should be AverageValue or Utilization',
  },
  {
    expression: `!${keda} || ${everyMetric(`!(${isMemory} && ${targetType} == 'AverageValue') || ${oneMebibyte}`)}`,
    message: 'the memory target value should be greater than 1 MiB',
  },
  {
    expression: `!${keda} || ${everyMetric(`!(${isMemory} && ${targetType} == 'Utilization') || has(m.resource.target.averageUtilization)`)}`,
    message: 'the AverageUtilization type should be set',
  },
  {
    expression: `!${keda} || ${everySource(
      (source) =>
        `(has(m.${source}.metric) && has(m.${source}.metric.query) && m.${source}.metric.query != '')`,
    )}`,
    message: 'the query should not be empty',
  },
  {
    expression: `!${keda} || ${everySource((source) => `(${target(source)} && has(m.${source}.target.value))`)}`,
    message: 'the target threshold value should not be empty',
  },
]
