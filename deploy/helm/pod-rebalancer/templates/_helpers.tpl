{{/* The chart's name, at most 63 characters. */}}
{{- define "pod-rebalancer.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What every object of this release is called. A CronJob's name has at most 52 characters. */}}
{{- define "pod-rebalancer.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "pod-rebalancer.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What objects outside the release's namespace are called: two releases don't share one. */}}
{{- define "pod-rebalancer.foreignName" -}}
{{- printf "%s-%s" (include "pod-rebalancer.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "pod-rebalancer.selectorLabels" -}}
app.kubernetes.io/name: {{ include "pod-rebalancer.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Of the replicas of `rebalancer serve`; the pod of `helm test` has the others too. */}}
{{- define "pod-rebalancer.servingLabels" -}}
{{ include "pod-rebalancer.selectorLabels" . }}
app.kubernetes.io/component: serve
{{- end -}}

{{/* The Lease that replicas of `rebalancer serve` compete for. */}}
{{- define "pod-rebalancer.leaderLease" -}}
{{- default (printf "%s-leader" (include "pod-rebalancer.fullname" .)) .Values.config.LEADER_LEASE_NAME -}}
{{- end -}}

{{- define "pod-rebalancer.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "pod-rebalancer.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* `labels:` and, where there are any, `annotations:` of an object. */}}
{{- define "pod-rebalancer.metadata" -}}
labels:
  {{- include "pod-rebalancer.labels" . | nindent 2 }}
{{- with .Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "pod-rebalancer.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "pod-rebalancer.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is required when serviceAccount.create is false" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "pod-rebalancer.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end -}}

{{/* A value as the text that stands in the environment. Numbers of YAML are floats: 1000000000 must not become 1e+09. */}}
{{- define "pod-rebalancer.text" -}}
{{- if kindIs "string" . -}}{{ . }}{{- else if not (kindIs "invalid" .) -}}{{ toJson . }}{{- end -}}
{{- end -}}

{{/* The variables that are set in a map of variables, as texts, as JSON. */}}
{{- define "pod-rebalancer.variables" -}}
{{- $texts := dict -}}
{{- range $name, $value := . -}}
{{- $text := include "pod-rebalancer.text" $value -}}
{{- if ne $text "" -}}{{- $_ := set $texts $name $text -}}{{- end -}}
{{- end -}}
{{- toJson $texts -}}
{{- end -}}

{{/* Every workload with its own variables above those of `config`, as a JSON list. */}}
{{- define "pod-rebalancer.workloads" -}}
{{- $shared := include "pod-rebalancer.variables" .Values.config | fromJson -}}
{{- $all := list -}}
{{- range $index, $entry := default (list (dict)) .Values.workloads -}}
{{- $own := include "pod-rebalancer.variables" $entry | fromJson -}}
{{- $variables := merge (dict) $own $shared (dict "KUBE_NAMESPACE" $.Release.Namespace) -}}
{{- $where := ternary (printf "workloads[%d]" $index) "config" (gt (len $.Values.workloads) 0) -}}
{{- if not (hasKey $variables "DEPLOYMENT_NAME") -}}
{{- fail (printf "%s.DEPLOYMENT_NAME is required: the name of the Deployment or StatefulSet whose pods are rebalanced" $where) -}}
{{- end -}}
{{- if not (or (hasKey $variables "PROMETHEUS_ENDPOINT") (hasKey $variables "KAFKA_BOOTSTRAP_SERVERS")) -}}
{{- fail (printf "%s.PROMETHEUS_ENDPOINT is required: the base URL of Prometheus or VictoriaMetrics, such as http://victoriametrics:8428; or %s.KAFKA_BOOTSTRAP_SERVERS, such as kafka:9092" $where $where) -}}
{{- end -}}
{{- $all = append $all $variables -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{/*
The workloads of this cluster, as a JSON list. Those that are reached by a kubeconfig are there as its user, who needs the rights, and
not as this service account.
*/}}
{{- define "pod-rebalancer.ownWorkloads" -}}
{{- $own := list -}}
{{- range include "pod-rebalancer.workloads" . | fromJsonArray -}}
{{- if not (or .KUBECONFIG .KUBE_CONTEXT) -}}{{- $own = append $own . -}}{{- end -}}
{{- end -}}
{{- toJson $own -}}
{{- end -}}

{{/* The workloads of this cluster by namespace, as a JSON object of lists. */}}
{{- define "pod-rebalancer.namespaces" -}}
{{- $namespaces := dict -}}
{{- range include "pod-rebalancer.ownWorkloads" . | fromJsonArray -}}
{{- $namespace := .KUBE_NAMESPACE -}}
{{- $_ := set $namespaces $namespace (append (default (list) (get $namespaces $namespace)) .) -}}
{{- end -}}
{{- toJson $namespaces -}}
{{- end -}}

{{/* Seconds of a duration, rounded up: (dict "of" a workload's variables "name" "KUBE_TIMEOUT" "default" "10s" "value" the value to give instead). */}}
{{- define "pod-rebalancer.seconds" -}}
{{- $text := default .default (get .of .name) | nospace -}}
{{- if not (regexMatch "^([0-9]+(ms|s|m|h))+$" $text) -}}
{{- fail (printf "cronJob.%s is required with %s=%s; or give %s in whole hours, minutes, seconds and milliseconds, such as 1m30s" .value .name $text .name) -}}
{{- end -}}
{{- $milliseconds := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" $text -1 -}}
{{- $number := regexFind "^[0-9]+" . | atoi -}}
{{- $unit := get (dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000) (regexFind "[a-z]+$" .) -}}
{{- $milliseconds = add $milliseconds (mul $number $unit) -}}
{{- end -}}
{{- div (add $milliseconds 999) 1000 -}}
{{- end -}}

{{/*
Seconds that follow a workload's cycle at worst: the removal in hand and the record (KUBE_TIMEOUT each), the group's lock where it has one (KUBE_TIMEOUT), the Events (5),
the notifications where somebody is told ("told" is not empty, or NOTIFY_URL_FILE is set), and the push. docs/configuration.md has this rule under "Several workloads".
*/}}
{{- define "pod-rebalancer.secondsToFinish" -}}
{{- $kube := include "pod-rebalancer.seconds" (dict "of" .of "name" "KUBE_TIMEOUT" "default" "10s" "value" .value) | atoi -}}
{{- $push := include "pod-rebalancer.seconds" (dict "of" .of "name" "METRICS_PUSH_TIMEOUT" "default" "5s" "value" .value) | atoi -}}
{{- $notify := 0 -}}
{{- if or .told (get .of "NOTIFY_URL_FILE") -}}
{{- $notify = include "pod-rebalancer.seconds" (dict "of" .of "name" "NOTIFY_TIMEOUT" "default" "5s" "value" .value) | atoi -}}
{{- end -}}
{{- $calls := ternary 3 2 (not (empty (get .of "GROUP_LOCK_NAMESPACE"))) -}}
{{- add (mul $calls $kube) 5 $push $notify -}}
{{- end -}}

{{/* Seconds for the whole Job: 30 to start, what each workload may take at worst, and 5 for traces. */}}
{{- define "pod-rebalancer.activeDeadlineSeconds" -}}
{{- if .Values.cronJob.activeDeadlineSeconds -}}
{{- .Values.cronJob.activeDeadlineSeconds -}}
{{- else -}}
{{- $value := "activeDeadlineSeconds" -}}
{{- $seconds := 35 -}}
{{- range include "pod-rebalancer.workloads" . | fromJsonArray -}}
{{- $cycle := include "pod-rebalancer.seconds" (dict "of" . "name" "CYCLE_TIMEOUT" "default" "28s" "value" $value) | atoi -}}
{{- $seconds = add $seconds $cycle (include "pod-rebalancer.secondsToFinish" (dict "of" . "value" $value "told" $.Values.credentials.notify.url.secretName) | atoi) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}
{{- end -}}

{{/* Seconds for a run that is asked to end: what the slowest workload needs to finish, 5 for traces, and 10 to spare. */}}
{{- define "pod-rebalancer.terminationGracePeriodSeconds" -}}
{{- if not (kindIs "invalid" .Values.cronJob.terminationGracePeriodSeconds) -}}
{{- .Values.cronJob.terminationGracePeriodSeconds -}}
{{- else -}}
{{- $seconds := 0 -}}
{{- range include "pod-rebalancer.workloads" . | fromJsonArray -}}
{{- $own := include "pod-rebalancer.secondsToFinish" (dict "of" . "value" "terminationGracePeriodSeconds" "told" $.Values.credentials.notify.url.secretName) | atoi -}}
{{- $seconds = max $seconds (add $own 15) -}}
{{- end -}}
{{- $seconds -}}
{{- end -}}
{{- end -}}
