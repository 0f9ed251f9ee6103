{{/* The terms `key=value` of a workload's label selector, as a JSON list of [key, value]. */}}
{{- define "pod-rebalancer.labelTerms" -}}
{{- $selector := default "app=consumer" .KUBE_LABEL_SELECTOR -}}
{{- $terms := list -}}
{{- range splitList "," $selector -}}
{{- $term := . | trim | replace "==" "=" -}}
{{- if not (regexMatch "^[A-Za-z0-9][-A-Za-z0-9._/]*=[-A-Za-z0-9._]*$" $term) -}}
{{- fail (printf "admissionPolicy.enabled knows label selectors of the form key=value only, and KUBE_LABEL_SELECTOR is %s" $selector) -}}
{{- end -}}
{{- $terms = append $terms (splitList "=" $term) -}}
{{- end -}}
{{- toJson $terms -}}
{{- end -}}

{{/*
Label selectors that together match every pod that is of none of the workloads of a namespace, as a JSON list of lists of
requirements. A pod is a stranger when it lacks, of each workload, one of the labels: so a list takes one term of each.
*/}}
{{- define "pod-rebalancer.strangers" -}}
{{- $selectors := list (list) -}}
{{- range . -}}
{{- $terms := include "pod-rebalancer.labelTerms" . | fromJsonArray -}}
{{- $longer := list -}}
{{- range $selector := $selectors -}}
{{- range $term := $terms -}}
{{- $longer = append $longer (append $selector (dict "key" (first $term) "operator" "NotIn" "values" (list (last $term)))) -}}
{{- end -}}
{{- end -}}
{{- $selectors = $longer -}}
{{- end -}}
{{- toJson $selectors -}}
{{- end -}}

{{/* How the names of a workload's pods begin; generated names are cut there. */}}
{{- define "pod-rebalancer.podPrefix" -}}
{{- printf "%s-" .DEPLOYMENT_NAME | trunc 58 -}}
{{- end -}}

{{/* CEL: the pod that is deleted has the labels of a workload of its namespace. */}}
{{- define "pod-rebalancer.hasLabels" -}}
{{- $workloads := list -}}
{{- range include "pod-rebalancer.ownWorkloads" . | fromJsonArray -}}
{{- $terms := list (printf "request.namespace == '%s'" .KUBE_NAMESPACE) -}}
{{- range include "pod-rebalancer.labelTerms" . | fromJsonArray -}}
{{- $terms = append $terms (printf "oldObject.metadata.?labels[?'%s'].orValue('') == '%s'" (first .) (last .)) -}}
{{- end -}}
{{- $workloads = append $workloads (printf "(%s)" (join " && " $terms)) -}}
{{- end -}}
{{- default "false" (join " || " $workloads) -}}
{{- end -}}

{{/* CEL: a map from each namespace to a list of texts: (dict "root" $ "of" "podPrefix"), or the names of Leases. */}}
{{- define "pod-rebalancer.celLists" -}}
{{- $entries := list -}}
{{- $of := .of -}}
{{- $locks := ternary (include "pod-rebalancer.groupLocks" .root | fromJson) (dict) (eq $of "lease") -}}
{{- if and (eq $of "lease") .root.Values.serve.enabled -}}
{{- $home := .root.Release.Namespace -}}
{{- $_ := set $locks $home (append (default (list) (get $locks $home)) (include "pod-rebalancer.leaderLease" .root)) -}}
{{- end -}}
{{- $namespaces := include "pod-rebalancer.namespaces" .root | fromJson -}}
{{- range $namespace := concat (keys $namespaces) (keys $locks) | uniq | sortAlpha -}}
{{- $workloads := default (list) (get $namespaces $namespace) -}}
{{- $texts := list -}}
{{- range default (list) (get $locks $namespace) -}}
{{- if not . -}}
{{- fail "admissionPolicy.enabled with GROUP_LOCK_NAMESPACE knows consumer groups (KAFKA_GROUP_ID) of lower-case letters, digits and '-' only" -}}
{{- end -}}
{{- $texts = append $texts (squote .) -}}
{{- end -}}
{{- range $workloads -}}
{{- if eq $of "podPrefix" -}}
{{- $texts = append $texts (include "pod-rebalancer.podPrefix" . | squote) -}}
{{- else -}}
{{- $texts = append $texts (printf "pod-rebalancer-%s" .DEPLOYMENT_NAME | squote) -}}
{{- end -}}
{{- end -}}
{{- $entries = append $entries (printf "'%s': [%s]" $namespace (join ", " $texts)) -}}
{{- end -}}
{{- printf "{%s}" (join ", " $entries) -}}
{{- end -}}
