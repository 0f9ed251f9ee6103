{{/* The projected sources of the credentials' volume, as a JSON list. */}}
{{- define "pod-rebalancer.credentialSources" -}}
{{- $credentials := .Values.credentials -}}
{{- $sources := list -}}
{{- with $credentials.bearerToken -}}
{{- if .secretName -}}
{{- $sources = append $sources (dict "secret" (dict "name" .secretName "items" (list (dict "key" .key "path" "token")))) -}}
{{- end -}}
{{- end -}}
{{- with $credentials.password -}}
{{- if .secretName -}}
{{- $sources = append $sources (dict "secret" (dict "name" .secretName "items" (list (dict "key" .key "path" "password")))) -}}
{{- end -}}
{{- end -}}
{{- with $credentials.certificateAuthority -}}
{{- $items := list (dict "key" .key "path" "ca.crt") -}}
{{- if and .secretName .configMapName -}}
{{- fail "credentials.certificateAuthority has a secretName and a configMapName; keep one" -}}
{{- else if .secretName -}}
{{- $sources = append $sources (dict "secret" (dict "name" .secretName "items" $items)) -}}
{{- else if .configMapName -}}
{{- $sources = append $sources (dict "configMap" (dict "name" .configMapName "items" $items)) -}}
{{- end -}}
{{- end -}}
{{- with $credentials.clientCertificate -}}
{{- if .secretName -}}
{{- $items := list (dict "key" .certificateKey "path" "tls.crt") (dict "key" .keyKey "path" "tls.key") -}}
{{- $sources = append $sources (dict "secret" (dict "name" .secretName "items" $items)) -}}
{{- end -}}
{{- end -}}
{{- toJson $sources -}}
{{- end -}}

{{/* The variables of the container: those of `config`, those of mounted files, and the namespace. */}}
{{- define "pod-rebalancer.env" -}}
{{- $credentials := .Values.credentials -}}
{{- $folder := "/etc/pod-rebalancer/credentials" -}}
{{- $files := dict -}}
{{- if $credentials.bearerToken.secretName }}{{ $_ := set $files "PROMETHEUS_BEARER_TOKEN_FILE" (printf "%s/token" $folder) }}{{ end -}}
{{- if $credentials.password.secretName }}{{ $_ := set $files "PROMETHEUS_PASSWORD_FILE" (printf "%s/password" $folder) }}{{ end -}}
{{- with $credentials.certificateAuthority -}}
{{- if or .secretName .configMapName }}{{ $_ := set $files "PROMETHEUS_CA_FILE" (printf "%s/ca.crt" $folder) }}{{ end -}}
{{- end -}}
{{- if $credentials.clientCertificate.secretName -}}
{{- $_ := set $files "PROMETHEUS_CLIENT_CERT_FILE" (printf "%s/tls.crt" $folder) -}}
{{- $_ := set $files "PROMETHEUS_CLIENT_KEY_FILE" (printf "%s/tls.key" $folder) -}}
{{- end -}}
{{- if .Values.workloads }}{{ $_ := set $files "WORKLOADS_FILE" "/etc/pod-rebalancer/workloads/workloads.yaml" }}{{ end -}}
{{- $config := include "pod-rebalancer.variables" .Values.config | fromJson -}}
{{- range $name, $_ := $files -}}
{{- if hasKey $config $name -}}
{{- fail (printf "config.%s is set, and a credential of the same meaning is mounted; keep one" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $text := merge (dict) $config $files }}
- name: {{ $name }}
  value: {{ $text | quote }}
{{- end }}
{{- if not (hasKey $config "KUBE_NAMESPACE") }}
- name: KUBE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- with $credentials.headers }}
{{- if .secretName }}
{{- if hasKey $config "PROMETHEUS_HEADERS" }}
{{- fail "config.PROMETHEUS_HEADERS and credentials.headers are both set; keep one" }}
{{- end }}
- name: PROMETHEUS_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ .secretName }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The specification of a pod that runs one command: (dict "root" $ "args" (list "check")). */}}
{{- define "pod-rebalancer.podSpec" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $sources := include "pod-rebalancer.credentialSources" $root | fromJsonArray -}}
serviceAccountName: {{ include "pod-rebalancer.serviceAccountName" $root }}
automountServiceAccountToken: true
restartPolicy: Never
# The request in hand, the record and the Events: a run that is asked to end finishes them.
terminationGracePeriodSeconds: {{ $values.cronJob.terminationGracePeriodSeconds }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: rebalancer
    image: {{ include "pod-rebalancer.image" $root | quote }}
    imagePullPolicy: {{ $values.image.pullPolicy }}
    {{- with .args }}
    args:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    env:
      {{- include "pod-rebalancer.env" $root | trim | nindent 6 }}
    {{- with $values.extraEnvFrom }}
    envFrom:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $values.securityContext }}
    securityContext:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if or $sources $values.workloads $values.extraVolumeMounts }}
    volumeMounts:
      {{- if $sources }}
      - name: credentials
        mountPath: /etc/pod-rebalancer/credentials
        readOnly: true
      {{- end }}
      {{- if $values.workloads }}
      - name: workloads
        mountPath: /etc/pod-rebalancer/workloads
        readOnly: true
      {{- end }}
      {{- with $values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- end }}
{{- if or $sources $values.workloads $values.extraVolumes }}
volumes:
  {{- if $sources }}
  - name: credentials
    projected:
      sources:
        {{- toYaml $sources | nindent 8 }}
  {{- end }}
  {{- if $values.workloads }}
  - name: workloads
    configMap:
      name: {{ include "pod-rebalancer.fullname" $root }}-workloads
  {{- end }}
  {{- with $values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
