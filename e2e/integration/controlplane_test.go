package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/netmode-io/netmode/e2e/command"
	"github.com/netmode-io/netmode/e2e/nodeimage"
	"github.com/netmode-io/netmode/e2e/progress"
)

// assetsVariable is what envtest's users set to their own binaries.
const assetsVariable = "KUBEBUILDER_ASSETS"

// binaries returns the folder of the control plane's programs.
func binaries(ctx context.Context, log *progress.Log) (string, error) {
	programs := []string{"kube-apiserver", "etcd", "kube-controller-manager"}
	given := os.Getenv(assetsVariable)
	if given == "" {
		builder, err := nodeimage.New(command.Local{}, log, os.Getenv)
		if err != nil {
			return "", err
		}
		return builder.Binaries(ctx, programs...)
	}
	for _, program := range programs {
		if _, err := os.Stat(filepath.Join(given, program)); errors.Is(err, fs.ErrNotExist) { //nolint:gosec // a folder that the user names
			return "", fmt.Errorf("%s=%s: there is no %s: put it there, or unset %s to have all built", assetsVariable, given, program, assetsVariable)
		} else if err != nil {
			return "", fmt.Errorf("%s: %w", assetsVariable, err)
		}
	}
	return filepath.Abs(given)
}

// startControlPlane starts etcd and kube-apiserver, and returns the rights of an administrator.
func startControlPlane(life *lifeline, dir string) (*envtest.Environment, *rest.Config, error) {
	env := &envtest.Environment{
		UseExistingCluster:       new(false),
		ControlPlaneStartTimeout: time.Minute, // of a machine that is busy
		ControlPlaneStopTimeout:  20 * time.Second,
	}
	apiServer := env.ControlPlane.GetAPIServer()
	env.ControlPlane.Etcd = &envtest.Etcd{}
	var err error
	if apiServer.Path, err = life.launcher(filepath.Join(dir, "kube-apiserver")); err != nil {
		return nil, nil, err
	}
	if env.ControlPlane.Etcd.Path, err = life.launcher(filepath.Join(dir, "etcd")); err != nil {
		return nil, nil, err
	}
	apiServer.CertDir, env.ControlPlane.Etcd.DataDir = life.path("kube-apiserver"), life.path("etcd")
	if err := errors.Join(os.Mkdir(apiServer.CertDir, 0o700), os.Mkdir(env.ControlPlane.Etcd.DataDir, 0o700)); err != nil {
		return nil, nil, err
	}
	log, err := os.Create(life.path("kube-apiserver.log"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = log.Close() }() // the process has it open, too
	apiServer.Out, apiServer.Err = log, log
	audit := life.path("audit-policy.json")
	if err := os.WriteFile(audit, []byte(auditPolicy), 0o600); err != nil {
		return nil, nil, err
	}
	admission, err := newClientCertificate(life)
	if err != nil {
		return nil, nil, err
	}
	apiServer.Configure().Set("admission-control-config-file", admission).
		Set("service-cluster-ip-range", "10.96.0.0/16").
		Set("audit-policy-file", audit).Set("audit-log-path", life.path("audit.log"))
	config, err := env.Start()
	if err != nil {
		return nil, nil, fmt.Errorf("%w\n%s", err, tail(log.Name()))
	}
	config.QPS = -1
	return env, config, nil
}

// tail is the end of a file.
func tail(path string) string {
	const most = 4000
	content, err := os.ReadFile(path) //nolint:gosec // a file of our own
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-most):])
}
