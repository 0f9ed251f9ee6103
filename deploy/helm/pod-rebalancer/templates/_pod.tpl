{{/* Where the credentials of one server come from: (dict "of" a map of credentials "prefix" of variables "folder" of files). */}}
{{- define "pod-rebalancer.credentialFiles" -}}
{{- $prefix := .prefix -}}
{{- $folder := .folder -}}
{{- $files := list -}}
{{- with .of.bearerToken.secretName -}}
{{- $files = append $files (dict "variable" "BEARER_TOKEN_FILE" "kind" "secret" "name" . "key" $.of.bearerToken.key "path" "token") -}}
{{- end -}}
{{- with .of.password.secretName -}}
{{- $files = append $files (dict "variable" "PASSWORD_FILE" "kind" "secret" "name" . "key" $.of.password.key "path" "password") -}}
{{- end -}}
{{- with .of.certificateAuthority -}}
{{- if and .secretName .configMapName -}}
{{- fail "credentials: certificateAuthority has a secretName and a configMapName; keep one" -}}
{{- end -}}
{{- if or .secretName .configMapName -}}
{{- $kind := ternary "secret" "configMap" (ne .secretName "") -}}
{{- $files = append $files (dict "variable" "CA_FILE" "kind" $kind "name" (default .configMapName .secretName) "key" .key "path" "ca.crt") -}}
{{- end -}}
{{- end -}}
{{- with .of.clientCertificate -}}
{{- if .secretName -}}
{{- $files = append $files (dict "variable" "CLIENT_CERT_FILE" "kind" "secret" "name" .secretName "key" .certificateKey "path" "tls.crt") -}}
{{- $files = append $files (dict "variable" "CLIENT_KEY_FILE" "kind" "secret" "name" .secretName "key" .keyKey "path" "tls.key") -}}
{{- end -}}
{{- end -}}
{{- $placed := list -}}
{{- range $files -}}
{{- $placed = append $placed (merge (dict "variable" (printf "%s_%s" $prefix .variable) "path" (printf "%s/%s" $folder .path)) .) -}}
{{- end -}}
{{- toJson $placed -}}
{{- end -}}

{{/* Where the webhook's URL and its authority come from: credentials.notify. */}}
{{- define "pod-rebalancer.notifyFiles" -}}
{{- $files := list -}}
{{- with .url.secretName -}}
{{- $files = append $files (dict "variable" "NOTIFY_URL_FILE" "kind" "secret" "name" . "key" $.url.key "path" "notify/url") -}}
{{- end -}}
{{- with .certificateAuthority -}}
{{- if and .secretName .configMapName -}}
{{- fail "credentials: certificateAuthority has a secretName and a configMapName; keep one" -}}
{{- end -}}
{{- if or .secretName .configMapName -}}
{{- $kind := ternary "secret" "configMap" (ne .secretName "") -}}
{{- $files = append $files (dict "variable" "NOTIFY_CA_FILE" "kind" $kind "name" (default .configMapName .secretName) "key" .key "path" "notify/ca.crt") -}}
{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{/* The files of all credentials, as a JSON list of variable, kind, name, key and path. */}}
{{- define "pod-rebalancer.files" -}}
{{- $metrics := include "pod-rebalancer.credentialFiles" (dict "of" .Values.credentials "prefix" "PROMETHEUS" "folder" "metrics") | fromJsonArray -}}
{{- $push := include "pod-rebalancer.credentialFiles" (dict "of" .Values.credentials.push "prefix" "METRICS_PUSH" "folder" "push") | fromJsonArray -}}
{{- $cruise := include "pod-rebalancer.credentialFiles" (dict "of" .Values.credentials.cruiseControl "prefix" "CRUISE_CONTROL" "folder" "cruise-control") | fromJsonArray -}}
{{- $kafka := include "pod-rebalancer.kafkaFiles" . | fromJsonArray -}}
{{- $notify := include "pod-rebalancer.notifyFiles" .Values.credentials.notify | fromJsonArray -}}
{{- $lock := list -}}
{{- with .Values.credentials.groupLock.kubeconfig -}}
{{- if .secretName -}}
{{- $lock = append $lock (dict "variable" "GROUP_LOCK_KUBECONFIG" "kind" "secret" "name" .secretName "key" .key "path" "group-lock/kubeconfig") -}}
{{- end -}}
{{- end -}}
{{- concat $metrics $push $kafka $cruise $notify $lock | toJson -}}
{{- end -}}

{{/* The variables of the container: those of `config`, those of mounted files, the namespace, and what more there is. */}}
{{- define "pod-rebalancer.env" -}}
{{- $config := include "pod-rebalancer.variables" .Values.config | fromJson -}}
{{- $paths := dict -}}
{{- range include "pod-rebalancer.files" . | fromJsonArray -}}
{{- $_ := set $paths .variable (printf "/etc/pod-rebalancer/credentials/%s" .path) -}}
{{- end -}}
{{- if .Values.workloads }}{{ $_ := set $paths "WORKLOADS_FILE" "/etc/pod-rebalancer/workloads/workloads.yaml" }}{{ end -}}
{{- $headers := dict "PROMETHEUS_HEADERS" .Values.credentials.headers "METRICS_PUSH_HEADERS" .Values.credentials.push.headers "CRUISE_CONTROL_HEADERS" .Values.credentials.cruiseControl.headers -}}
{{- range $name := concat (keys $paths) (keys $headers) | sortAlpha -}}
{{- $given := or (hasKey $paths $name) (get $headers $name).secretName -}}
{{- if and $given (hasKey $config $name) -}}
{{- fail (printf "config.%s is set, and so is a credential of the same meaning; keep one" $name) -}}
{{- end -}}
{{- end -}}
{{- range $name, $text := merge (dict) $config $paths }}
- name: {{ $name }}
  value: {{ $text | quote }}
{{- end }}
{{- if not (hasKey $config "KUBE_NAMESPACE") }}
- name: KUBE_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end }}
{{- range $name, $secret := $headers }}
{{- if $secret.secretName }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.secretName }}
      key: {{ $secret.key }}
{{- end }}
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The specification of a pod that runs one command: (dict "root" $ "args" (list "check")); with "serves" true, one that stays. */}}
{{- define "pod-rebalancer.podSpec" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $files := include "pod-rebalancer.files" $root | fromJsonArray -}}
serviceAccountName: {{ include "pod-rebalancer.serviceAccountName" $root }}
automountServiceAccountToken: true
{{- if not .serves }}
restartPolicy: Never
{{- end }}
# Time to finish the request in progress, the record and the Events after SIGTERM.
terminationGracePeriodSeconds: {{ include "pod-rebalancer.terminationGracePeriodSeconds" $root }}
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
    {{- if .serves }}
    ports:
      - {name: http, containerPort: {{ $values.serve.port }}}
    livenessProbe:
      httpGet: {path: /healthz, port: http}
      periodSeconds: 10
      timeoutSeconds: 5
    readinessProbe:
      httpGet: {path: /readyz, port: http}
      periodSeconds: 5
      timeoutSeconds: 5
    {{- end }}
    env:
      {{- include "pod-rebalancer.env" $root | trim | nindent 6 }}
      {{- if .serves }}
      {{- range $name, $text := dict "LISTEN_ADDRESS" (printf "0.0.0.0:%v" $values.serve.port) "LEADER_LEASE_NAME" (include "pod-rebalancer.leaderLease" $root) "LEADER_LEASE_NAMESPACE" $root.Release.Namespace }}
      {{- if not (get $values.config $name) }}
      - name: {{ $name }}
        value: {{ $text | quote }}
      {{- end }}
      {{- end }}
      {{- end }}
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
    {{- if or $files $values.workloads $values.extraVolumeMounts }}
    volumeMounts:
      {{- if $files }}
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
{{- if or $files $values.workloads $values.extraVolumes }}
volumes:
  {{- if $files }}
  - name: credentials
    projected:
      sources:
        {{- range $files }}
        - {{ .kind }}:
            name: {{ .name }}
            items:
              - {key: {{ .key | quote }}, path: {{ .path | quote }}}
        {{- end }}
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
