// The kinds of those who work beside this program: their modules hold the CustomResourceDefinitions that the suite on real
// servers installs. Nothing of them is compiled.
module definitions

go 1.26.4

require (
	github.com/argoproj/argo-rollouts v1.10.1
	github.com/fluxcd/flagger v1.36.1
	github.com/kedacore/keda/v2 v2.21.0
	github.com/openkruise/kruise v1.8.0
	k8s.io/autoscaler/vertical-pod-autoscaler v1.5.1
	sigs.k8s.io/karpenter v1.13.0
)
