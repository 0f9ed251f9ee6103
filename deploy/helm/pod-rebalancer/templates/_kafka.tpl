{{/* The files of Kafka's credentials, as a JSON list of variable, kind, name, key and path. */}}
{{- define "pod-rebalancer.kafkaFiles" -}}
{{- $of := .Values.credentials.kafka -}}
{{- $authority := $of.certificateAuthority -}}
{{- if and $authority.secretName $authority.configMapName -}}
{{- fail "credentials.kafka: certificateAuthority has a secretName and a configMapName; keep one" -}}
{{- end -}}
{{- $files := list -}}
{{- range list
  (list "KAFKA_SASL_PASSWORD_FILE" $of.password "password")
  (list "KAFKA_SASL_OAUTHBEARER_TOKEN_FILE" $of.token "token")
  (list "KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE" $of.clientSecret "client-secret")
  (list "KAFKA_SSL_CA_FILE" $authority "ca.crt")
-}}
{{- $name := default (index . 1).secretName (index . 1).configMapName -}}
{{- if $name -}}
{{- $kind := ternary "configMap" "secret" (ne (default "" (index . 1).configMapName) "") -}}
{{- $files = append $files (dict "variable" (index . 0) "kind" $kind "name" $name "key" (index . 1).key "path" (printf "kafka/%s" (index . 2))) -}}
{{- end -}}
{{- end -}}
{{- with $of.clientCertificate -}}
{{- if .secretName -}}
{{- $files = append $files (dict "variable" "KAFKA_SSL_CERTIFICATE_FILE" "kind" "secret" "name" .secretName "key" .certificateKey "path" "kafka/tls.crt") -}}
{{- $files = append $files (dict "variable" "KAFKA_SSL_KEY_FILE" "kind" "secret" "name" .secretName "key" .keyKey "path" "kafka/tls.key") -}}
{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{/*
The locks on consumer groups that are in this cluster, as a JSON object: of each namespace the names of its Leases. A group that no
Lease can be called as has a name with a hash, which can't be told here: "".
*/}}
{{- define "pod-rebalancer.groupLocks" -}}
{{- $locks := dict -}}
{{- $elsewhere := .Values.credentials.groupLock.kubeconfig.secretName -}}
{{- range include "pod-rebalancer.ownWorkloads" . | fromJsonArray -}}
{{- if and .GROUP_LOCK_NAMESPACE (not (or $elsewhere .GROUP_LOCK_KUBECONFIG .GROUP_LOCK_CONTEXT)) -}}
{{- $group := default .DEPLOYMENT_NAME .KAFKA_GROUP_ID -}}
{{- $name := ternary (printf "pod-rebalancer.group-%s" $group) "" (regexMatch "^[a-z0-9-]{0,231}[a-z0-9]$" $group) -}}
{{- $_ := set $locks .GROUP_LOCK_NAMESPACE (append (default (list) (get $locks .GROUP_LOCK_NAMESPACE)) $name | uniq) -}}
{{- end -}}
{{- end -}}
{{- toJson $locks -}}
{{- end -}}

{{/* The ports that Kafka needs of a NetworkPolicy, as a JSON list: those of all workloads' brokers, token endpoints
and Cruise Controls. */}}
{{- define "pod-rebalancer.kafkaPorts" -}}
{{- $given := .Values.networkPolicy.kafka.ports -}}
{{- $ports := $given -}}
{{- range include "pod-rebalancer.workloads" . | fromJsonArray -}}
{{- if not $given -}}
{{- range splitList "," (default "" .KAFKA_BOOTSTRAP_SERVERS) -}}
{{- with regexFind "[0-9]+$" (trim .) -}}{{- $ports = append $ports (int .) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- range list .KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL .CRUISE_CONTROL_URL | compact -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports (default (ternary "443" "80" (eq $url.scheme "https")) $port | int) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
