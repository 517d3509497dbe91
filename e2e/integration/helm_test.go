package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/kube"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/netmode-io/netmode/e2e/chart"
)

const (
	chartFolder  = repository + "/deploy/helm"
	earlierChart = "testdata/earlier" // with a ValidatingWebhookConfiguration

	releaseName = "netmode"
	helmTimeout = time.Minute
	helmWaits   = kube.HookOnlyStrategy // for no pod: there is no kubelet
)

// helm does what the program of that name does, to the release netmode of its world.
type helm struct {
	*world
	actions    *action.Configuration
	serverSide bool // as Helm 4 does by default; Helm 3 merged on its own side
}

func newHelm(w *world, serverSide bool) (*helm, error) {
	path := w.life.path("helm.kubeconfig")
	if err := os.WriteFile(path, w.env.KubeConfig, 0o600); err != nil {
		return nil, err
	}
	flags := genericclioptions.NewConfigFlags(true).WithWrapConfigFn(func(config *rest.Config) *rest.Config {
		config.QPS = -1
		return config
	})
	flags.KubeConfig, flags.Namespace, flags.CacheDir = &path, new(system), new(w.life.path("helm"))
	h := &helm{world: w, actions: action.NewConfiguration(), serverSide: serverSide}
	return h, h.actions.Init(flags, system, "secrets")
}

// Run implements postrenderer.PostRenderer: it leads the Service to the webhook.
func (h *helm) Run(rendered *bytes.Buffer) (*bytes.Buffer, error) {
	objects, err := chart.Objects(rendered.String())
	if err != nil {
		return nil, err
	}
	if err := h.toLoopback(objects); err != nil {
		return nil, err
	}
	return manifestOf(objects)
}

func manifestOf(objects []*unstructured.Unstructured) (*bytes.Buffer, error) {
	text := &bytes.Buffer{}
	for _, o := range objects {
		content, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(text, "---\n%s", content)
	}
	return text, nil
}

func (h *helm) install(ctx context.Context, folder string) error {
	c, err := chart.Load(folder)
	if err != nil {
		return err
	}
	install := action.NewInstall(h.actions)
	install.ReleaseName, install.Namespace, install.CreateNamespace = releaseName, system, true
	install.WaitStrategy, install.Timeout = helmWaits, helmTimeout
	install.ServerSideApply, install.PostRenderer = h.serverSide, h
	_, err = install.RunWithContext(ctx, c, nil)
	return err
}

func (h *helm) upgrade(ctx context.Context, folder string) error {
	c, err := chart.Load(folder)
	if err != nil {
		return err
	}
	upgrade := action.NewUpgrade(h.actions)
	upgrade.Namespace, upgrade.ResetThenReuseValues = system, true
	upgrade.WaitStrategy, upgrade.Timeout = helmWaits, helmTimeout
	upgrade.PostRenderer = h
	_, err = upgrade.RunWithContext(ctx, releaseName, c, nil)
	return err
}

func (h *helm) rollback(revision int) error {
	rollback := action.NewRollback(h.actions)
	rollback.Version, rollback.WaitStrategy, rollback.Timeout = revision, helmWaits, helmTimeout
	return rollback.Run(releaseName)
}

func (h *helm) uninstall() error {
	uninstall := action.NewUninstall(h.actions)
	uninstall.WaitStrategy, uninstall.Timeout = helmWaits, helmTimeout
	_, err := uninstall.Run(releaseName)
	return err
}
