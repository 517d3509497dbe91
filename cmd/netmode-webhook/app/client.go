package app

import (
	"fmt"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/netmode-io/netmode/pkg/version"
)

// connect makes clients, for Kubernetes' own kinds and for those that netmode
// brings, of the API server that the kubeconfig file names; without a file, as
// the pod's ServiceAccount. It sends nothing yet. The error names the flag and the
// cure.
func connect(kubeconfig, program string, log logr.Logger) (kubernetes.Interface, dynamic.Interface, error) {
	config, err := readConfig(kubeconfig)
	if err != nil {
		return nil, nil, err
	}
	config.UserAgent = program + "/" + version.Version
	config.WarningHandler = warningLog{log}
	config.QPS = -1 // the API server itself sees to it that each gets its share
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the API server at %s: %w", config.Host, err)
	}
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to the API server at %s: %w", config.Host, err)
	}
	return client, dynamicClient, nil
}

func readConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("this is no pod with a ServiceAccount: %w: name a file with --kubeconfig", err)
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig %q: %w: name a kubeconfig file that can be read", kubeconfig, err)
	}
	return config, nil
}

// warningLog logs the warnings that the API server sends.
type warningLog struct{ log logr.Logger }

// HandleWarningHeader implements client-go's rest.WarningHandler.
func (w warningLog) HandleWarningHeader(_ int, _ string, text string) {
	w.log.Info("the API server warns", "warning", text)
}
