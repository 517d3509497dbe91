package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/netmode-io/netmode/e2e/await"
	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/progress"
)

const (
	repository = "../.."
	base       = repository + "/deploy/kustomize/base"
	system     = "netmode-system"

	startTimeout = time.Minute
	pollEvery    = 20 * time.Millisecond
)

// world is an API server with netmode installed.
type world struct {
	life    *lifeline
	env     *envtest.Environment
	config  *rest.Config // an administrator's; answers get their warnings, see answer
	admin   *kubernetes.Clientset
	binary  string // netmode-webhook
	program string // what starts it

	controllerManager *process
	certificates      *process
	mount             *mount
	webhook           *process
	controller        *process // netmode-webhook policies
	usual             []string // flags of the webhook
}

// newWorld starts everything, and has install bring netmode. The world is to be stopped, even after
// an error.
func newWorld(ctx context.Context, install func(*world, context.Context) error) (*world, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*startTimeout) // the binaries may have to be built
	defer cancel()
	w := &world{usual: []string{
		"--cluster-dns=10.96.0.10", "--cluster-domain=cluster.local", "--init-image=registry.example.com/netmode:v1",
	}}
	log := progress.New(os.Stderr, "integration")
	assets, err := binaries(ctx, log)
	if err != nil {
		return w, err
	}
	if w.life, err = newLifeline(); err != nil {
		return w, err
	}
	if err := log.Step("building netmode-webhook", func() error { return w.build(ctx) }); err != nil {
		return w, err
	}
	if err := log.Step("starting kube-apiserver and etcd", func() (err error) {
		w.env, w.config, err = startControlPlane(w.life, assets)
		return err
	}); err != nil {
		return w, err
	}
	w.config.WarningHandlerWithContext = toAnswer{}
	if w.admin, err = kubernetes.NewForConfig(w.config); err != nil {
		return w, err
	}
	if err := log.Step("installing netmode", func() error { return install(w, ctx) }); err != nil {
		return w, err
	}
	return w, log.Step("starting kube-controller-manager", func() error { return w.startControllerManager(ctx, assets) })
}

// build makes netmode-webhook, unless another world has it.
func (w *world) build(ctx context.Context) (err error) {
	w.binary = w.life.path("netmode-webhook")
	if shared != nil {
		w.binary = shared.binary
	} else if _, err := (command.Local{}).Run(ctx, command.Command{
		Args: []string{"go", "build", "-o", w.binary, "./cmd/netmode-webhook"}, Dir: repository,
	}); err != nil {
		return err
	}
	w.program, err = w.life.launcher(w.binary)
	return err
}

// stop ends all processes, and is an error if one of them ends with one.
func (w *world) stop() error {
	errs := []error{w.controller.stop(), w.webhook.stop(), w.mount.stop(), w.certificates.stop(), w.controllerManager.kill()} // which knows no other end
	if w.env != nil {
		errs = append(errs, w.env.Stop())
	}
	if w.life != nil {
		errs = append(errs, w.life.cut())
	}
	return errors.Join(errs...)
}

// install brings netmode into the cluster as the manifests have it, and starts its programs.
func (w *world) install(ctx context.Context) error {
	if err := w.startServing(ctx, w.apply); err != nil {
		return err
	}
	if err := w.startController(ctx); err != nil {
		return err
	}
	return w.waitUntilServed(ctx)
}

// startServing applies netmode's objects, starts the programs that serve its webhook, and applies
// the objects again, which then lead to where it listens.
func (w *world) startServing(ctx context.Context, apply func(context.Context) error) error {
	if err := apply(ctx); err != nil {
		return err
	}
	var err error
	if w.certificates, err = w.startCertificates(ctx); err != nil {
		return err
	}
	if w.mount, err = newMount(ctx, w.admin, w.life.path("tls")); err != nil {
		return err
	}
	if err := w.startWebhook(ctx, "127.0.0.1:0", w.usual...); err != nil {
		return err
	}
	return apply(ctx)
}

// startController runs netmode-webhook policies with the rights of its ServiceAccount.
func (w *world) startController(ctx context.Context, flags ...string) error {
	kubeconfig, err := w.kubeconfig(ctx, "netmode-policies")
	if err != nil {
		return err
	}
	args := append([]string{"policies", "--kubeconfig=" + kubeconfig, "--own-namespace=" + system, "--ops-listen=127.0.0.1:0"}, flags...)
	w.controller, err = startProcess(ctx, "keeping policies", w.program, args...)
	return err
}

// startCertificates runs netmode-webhook certificates with the rights of its ServiceAccount.
func (w *world) startCertificates(ctx context.Context) (*process, error) {
	kubeconfig, err := w.kubeconfig(ctx, "netmode-certificates")
	if err != nil {
		return nil, err
	}
	return startProcess(ctx, "keeping certificates", w.program, "certificates", "--kubeconfig="+kubeconfig, "--ops-listen=127.0.0.1:0")
}

// startWebhook runs netmode-webhook with the rights of its ServiceAccount, until it is ready.
func (w *world) startWebhook(ctx context.Context, listen string, flags ...string) error {
	kubeconfig, err := w.kubeconfig(ctx, "netmode-webhook")
	if err != nil {
		return err
	}
	if w.webhook, err = w.serve(ctx, kubeconfig, listen, flags...); err != nil {
		return err
	}
	return w.poll(ctx, "the webhook is not ready", w.webhook.ready)
}

// serve runs netmode-webhook with these rights.
func (w *world) serve(ctx context.Context, kubeconfig, listen string, flags ...string) (*process, error) {
	return startProcess(ctx, "serving", w.program, append([]string{
		"--kubeconfig=" + kubeconfig, "--cert-dir=" + w.mount.dir, "--own-namespace=" + system,
		"--listen=" + listen, "--ops-listen=127.0.0.1:0", "--shutdown-delay=0s",
	}, flags...)...)
}

// restartWebhook runs another one on the same port.
func (w *world) restartWebhook(ctx context.Context, flags ...string) error {
	if err := w.webhook.stop(); err != nil {
		return err
	}
	return w.startWebhook(ctx, w.webhook.started.Listen, flags...)
}

// waitUntilServed returns when the API server calls the webhook.
func (w *world) waitUntilServed(ctx context.Context) error {
	probe := []byte(`{"metadata":{"generateName":"probe-","annotations":{"netmode.io/mode":"hostnetwork"}},"spec":{"containers":[{"name":"c","image":"i"}]}}`)
	return w.poll(ctx, "the API server does not call the webhook", func(ctx context.Context) error {
		before, err := w.served(ctx)
		if err != nil {
			return err
		}
		a := w.post(ctx, corev1.NamespaceDefault, "pods", probe, dryRun)
		if a.err != nil {
			return a.err
		}
		after, err := w.served(ctx)
		if err == nil && after == before {
			err = errors.New("it was not called")
		}
		return err
	})
}

// poll asks until there is no error.
func (w *world) poll(ctx context.Context, what string, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := await.Until(ctx, pollEvery, func(ctx context.Context) (bool, string) {
		err := ask(ctx)
		return err == nil, fmt.Sprint(err)
	}); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// goldenFolder is where the command line's golden cases are.
func goldenFolder() string { return filepath.Join(repository, "pkg", "cli", "testdata", "golden") }
