{{/* Where the API server calls: (list . PATH). The caBundle is kept by who makes the certificates. */}}
{{- define "netmode.clientConfig" -}}
service:
  namespace: {{ (index . 0).Release.Namespace | quote }}
  name: netmode-webhook
  path: {{ index . 1 }}
  port: 443
{{- end }}

{{/* The namespaces that netmode leaves alone, a list in YAML. */}}
{{- define "netmode.exemptNamespaces" -}}
{{- concat (list "kube-system" .Release.Namespace) .Values.excludedNamespaces | uniq | toYaml }}
{{- end }}

{{- define "netmode.exempt" -}}
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
    {{- include "netmode.exemptNamespaces" . | nindent 4 }}
{{- end }}

{{/* By an annotation of the author's, not one that netmode wrote. CEL's loops are quadratic: who
     brings more than 500 annotations is asked about, wherever it is. */}}
{{- define "netmode.asks" -}}
has(object.metadata.annotations) && (object.metadata.annotations.size() > 500 ||
object.metadata.annotations.exists(key, key.startsWith('netmode.io/') &&
!(key in ['netmode.io/status', 'netmode.io/copied'])))
{{- end }}

{{/* Pods that do are sent to the webhook for those. */}}
{{- define "netmode.asksNothing" -}}
!({{ include "netmode.asks" . }})
{{- end }}

{{/* Who only looks must not be in the way when it is away: (list . POLICY). */}}
{{- define "netmode.failurePolicy" -}}
{{- if (index . 0).Values.observeOnly }}Ignore{{ else }}{{ index . 1 }}{{ end }}
{{- end }}

{{/* The same for every webhook. */}}
{{- define "netmode.call" -}}
matchPolicy: Equivalent
sideEffects: None
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
admissionReviewVersions: [v1]
{{- end }}
