{{- define "pilotlight.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains "pilotlight" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}{{ printf "%s-pilotlight" .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* The names by which gateways find each other are fixed: see docs/architecture.md. */}}
{{- define "pilotlight.selector" -}}
app.kubernetes.io/name: pilotlight
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "pilotlight.labels" -}}
{{ include "pilotlight.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: pilotlight
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "pilotlight.image" -}}
{{- with .Values.image -}}
{{- $name := .repository -}}
{{- if .registry }}{{ $name = printf "%s/%s" .registry .repository }}{{ end -}}
{{- if .digest }}{{ printf "%s@%s" $name .digest }}{{ else }}{{ printf "%s:%s" $name (.tag | default $.Chart.AppVersion) }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "pilotlight.isSingle" -}}
{{- if eq .Values.profile "single" }}true{{ end -}}
{{- end }}

{{/* The pods that answer requests: those of the gateway, or the one pod that is everything, which counts as a controller. */}}
{{- define "pilotlight.gatewayComponent" -}}
{{- if include "pilotlight.isSingle" . }}controller{{ else }}gateway{{ end -}}
{{- end }}

{{- define "pilotlight.gatewayAccount" -}}
{{ include "pilotlight.fullname" . }}-{{ include "pilotlight.gatewayComponent" . }}
{{- end }}

{{- define "pilotlight.controllerAccount" -}}
{{ include "pilotlight.fullname" . }}-controller
{{- end }}

{{- define "pilotlight.gatewayService" -}}
{{ include "pilotlight.fullname" . }}-gateway
{{- end }}

{{/* Whether runtimes are brought along. */}}
{{- define "pilotlight.hasRuntimes" -}}
{{- if and .Values.runtimes.enabled (eq .Values.mode "own") }}true{{ end -}}
{{- end }}

{{/* pilotlight.yaml: what the chart sets, and over it what `config` says. */}}
{{- define "pilotlight.config" -}}
{{- $gateway := dict "host" "0.0.0.0" "port" 8080 "trustedProxies" .Values.gateway.trustedProxies "drainDelayMs" (int64 .Values.gateway.drainDelayMs) "drainTimeoutMs" (int64 .Values.gateway.drainTimeoutMs) -}}
{{- with .Values.gateway.tls -}}
{{- if .secretName -}}
{{- $tls := dict "port" 8443 "certFile" "/var/run/pilotlight/tls/tls.crt" "keyFile" "/var/run/pilotlight/tls/tls.key" -}}
{{- if .clientCaSecretName }}{{ $_ := set $tls "clientCaFile" "/var/run/pilotlight/client-ca/ca.crt" }}{{ end -}}
{{- $_ := set $gateway "tls" $tls -}}
{{- end -}}
{{- end -}}
{{- $kubernetes := dict "gatewayService" (include "pilotlight.gatewayService" .) "clusterDomain" .Values.clusterDomain "adopt" (eq .Values.mode "adopt") -}}
{{- if .Values.ingress.ingressClassName }}{{ $_ := set $kubernetes "ingressClassName" .Values.ingress.ingressClassName }}{{ end -}}
{{- if .Values.gatewayApi.parentRefs }}{{ $_ := set $kubernetes "gatewayApi" (dict "parentRefs" .Values.gatewayApi.parentRefs) }}{{ end -}}
{{- if include "pilotlight.hasRuntimes" . }}{{ $_ := set $kubernetes "shippedObjectsDir" "/var/run/pilotlight/objects" }}{{ end -}}
{{- $config := dict "gateway" $gateway "admin" (dict "host" "0.0.0.0" "port" 9090) "ingress" (omit .Values.ingress "ingressClassName") "kubernetes" $kubernetes -}}
{{- mergeOverwrite $config (deepCopy .Values.config) | toYaml -}}
{{- end }}

{{/* What the restricted pod security standard asks for. */}}
{{- define "pilotlight.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "pilotlight.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The environment that every role reads. */}}
{{- define "pilotlight.env" -}}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: POD_IP
  valueFrom: {fieldRef: {fieldPath: status.podIP}}
{{- if not (include "pilotlight.isSingle" .) }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.redis.existingSecret | default (printf "%s-redis" (include "pilotlight.fullname" .)) }}
      key: {{ if .Values.redis.existingSecret }}{{ .Values.redis.existingSecretKey }}{{ else }}url{{ end }}
{{- end }}
{{- end }}

{{- define "pilotlight.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: admin}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: admin}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{/* Over nodes and zones, as far as that is possible. */}}
{{- define "pilotlight.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "pilotlight.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}

{{/* Where pods may run and how important they are: `values` of the component. */}}
{{- define "pilotlight.placement" -}}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "pilotlight.pullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Seconds from SIGTERM to SIGKILL: everything that draining may take, and a little for the rest. */}}
{{- define "pilotlight.gatewayGrace" -}}
{{- $gateway := (include "pilotlight.config" . | fromYaml).gateway -}}
{{- add (div (add (int64 $gateway.drainDelayMs) (int64 $gateway.drainTimeoutMs) 999) 1000) 10 -}}
{{- end }}

{{- define "pilotlight.gatewayPorts" -}}
ports:
  - {name: http, containerPort: {{ .gateway.port }}}
  {{- if .gateway.tls }}
  - {name: https, containerPort: {{ .gateway.tls.port | default 8443 }}}
  {{- end }}
  - {name: admin, containerPort: {{ .admin.port }}}
{{- end }}

{{- define "pilotlight.gatewayMounts" -}}
- {name: config, mountPath: /etc/pilotlight, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- if .Values.gateway.tls.secretName }}
- {name: tls, mountPath: /var/run/pilotlight/tls, readOnly: true}
{{- end }}
{{- if .Values.gateway.tls.clientCaSecretName }}
- {name: client-ca, mountPath: /var/run/pilotlight/client-ca, readOnly: true}
{{- end }}
{{- with .Values.gateway.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "pilotlight.gatewayVolumes" -}}
- name: config
  configMap: {name: {{ include "pilotlight.fullname" . }}}
- name: tmp
  emptyDir: {sizeLimit: 64Mi}
{{- if .Values.gateway.tls.secretName }}
- name: tls
  secret: {secretName: {{ .Values.gateway.tls.secretName }}}
{{- end }}
{{- if .Values.gateway.tls.clientCaSecretName }}
- name: client-ca
  secret: {secretName: {{ .Values.gateway.tls.clientCaSecretName }}}
{{- end }}
{{- with .Values.gateway.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Changes with what leads to Redis: pods read it when they start. A Secret that is not the chart's cannot be looked into. */}}
{{- define "pilotlight.redisHash" -}}
{{- pick .Values.redis "url" "password" "existingSecret" "existingSecretKey" | toJson | sha256sum }}
{{- end }}
