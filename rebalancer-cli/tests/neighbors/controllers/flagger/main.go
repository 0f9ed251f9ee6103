// Command flagger is Flagger's own controller for one namespace, without a service mesh and notifications. Flagger's own command
// needs a lock for its leader election that the client library, in the version that the other controllers need, has no more.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/fluxcd/flagger/pkg/canary"
	"github.com/fluxcd/flagger/pkg/client/clientset/versioned"
	"github.com/fluxcd/flagger/pkg/client/informers/externalversions"
	"github.com/fluxcd/flagger/pkg/controller"
	"github.com/fluxcd/flagger/pkg/logger"
	"github.com/fluxcd/flagger/pkg/metrics/observers"
	"github.com/fluxcd/flagger/pkg/notifier"
	"github.com/fluxcd/flagger/pkg/router"
	"github.com/fluxcd/flagger/pkg/server"
	"github.com/fluxcd/flagger/pkg/signals"
	"github.com/fluxcd/flagger/pkg/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	period = 10 * time.Second
	resync = 30 * time.Second
)

type settings struct{ kubeconfig, namespace, metricsServer, port string }

func main() {
	var given settings
	flag.StringVar(&given.kubeconfig, "kubeconfig", "", "kubeconfig file")
	flag.StringVar(&given.namespace, "namespace", "", "namespace whose Canaries it works on")
	flag.StringVar(&given.metricsServer, "metrics-server", "", "URL of Prometheus")
	flag.StringVar(&given.port, "port", "", "port of /healthz")
	flag.Parse()
	if err := run(given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(given settings) error {
	config, err := clientcmd.BuildConfigFromFlags("", given.kubeconfig)
	if err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	canaries, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	observed, err := observers.NewFactory(given.metricsServer)
	if err != nil {
		return err
	}
	log, err := logger.NewLogger("info")
	if err != nil {
		return err
	}
	stop := signals.SetupSignalHandler()
	factory := externalversions.NewSharedInformerFactoryWithOptions(
		canaries, resync, externalversions.WithNamespace(given.namespace))
	kinds := factory.Flagger().V1beta1()
	informers := controller.Informers{
		CanaryInformer: kinds.Canaries(),
		MetricInformer: kinds.MetricTemplates(),
		AlertInformer:  kinds.AlertProviders(),
	}
	// The factory starts those alone that were asked for.
	informers.CanaryInformer.Informer()
	informers.MetricInformer.Informer()
	informers.AlertInformer.Informer()
	factory.Start(stop)
	factory.WaitForCacheSync(stop)

	tracker := &canary.ConfigTracker{Logger: log, KubeClient: kube, FlaggerClient: canaries}
	work := controller.NewController(kube, canaries, informers, period, log, &notifier.NopNotifier{},
		canary.NewFactory(kube, canaries, tracker, []string{"app"}, nil, log),
		router.NewFactory(config, kube, canaries, "", "", log, canaries, true),
		observed, "kubernetes", version.VERSION, "", "", false)
	go server.ListenAndServe(given.port, time.Second, log, stop)
	return work.Run(2, stop)
}
