package app

import (
	"context"
	"fmt"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/cluster/offline"
	"github.com/netmode-io/netmode/pkg/engine"
	"github.com/netmode-io/netmode/pkg/manifest"
	"github.com/netmode-io/netmode/pkg/metrics"
)

// snapshots are what decisions read beside their object.
type snapshots interface {
	admission.Snapshots
	// Run keeps them up to date until ctx ends.
	Run(ctx context.Context)
	// Synced says whether all has been read that decisions need.
	Synced() bool
}

// snapshots are the cluster's, or else those of manifests, or nothing.
func (o *serveOptions) snapshots(ctx context.Context, m *metrics.Metrics, log logr.Logger) (snapshots, error) {
	switch {
	case len(o.manifests) > 0:
		files, err := manifest.Open(ctx, o.manifests, nil, true)
		if err != nil {
			return nil, fmt.Errorf("--manifests: %w", err)
		}
		known := offline.New(nil)
		if err := known.AddFiles(files, metav1.NamespaceDefault); err != nil {
			return nil, fmt.Errorf("--manifests: %w", err)
		}
		return unwatched{admission.FixedSnapshot{Of: known}}, nil
	case o.standalone && o.kubeconfig == "":
		return unwatched{admission.FixedSnapshot{Of: engine.EmptySnapshot{}}}, nil
	}
	client, dynamicClient, err := connect(o.kubeconfig, "netmode-webhook", log)
	if err != nil {
		return nil, err
	}
	cache, err := cluster.New(client, dynamicClient, log)
	if err != nil {
		return nil, err
	}
	m.Cache(cache.Age, cache.PoliciesLeftOut)
	return cache, nil
}

// unwatched is what stays as it was at the start.
type unwatched struct{ admission.FixedSnapshot }

// Run has nothing to do.
func (unwatched) Run(context.Context) {}

// Synced has nothing to wait for.
func (unwatched) Synced() bool { return true }
