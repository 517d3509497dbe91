package app

import (
	"context"

	"github.com/go-logr/logr"

	"github.com/netmode-io/netmode/pkg/admission"
	"github.com/netmode-io/netmode/pkg/cluster"
	"github.com/netmode-io/netmode/pkg/engine"
)

// surroundings are what the webhook knows around the objects that it decides
// about.
type surroundings interface {
	admission.Cluster
	// Run keeps them up to date until ctx ends.
	Run(ctx context.Context)
	// Synced says whether all has been read that decisions need.
	Synced() bool
}

// surroundings are the cluster's, or nothing where there is none.
func (o *serveOptions) surroundings(log logr.Logger) (surroundings, error) {
	if o.standalone && o.kubeconfig == "" {
		return nothing{admission.Unchanging{Cluster: engine.NoCluster{}}}, nil
	}
	client, err := newClient(o.kubeconfig, "netmode-webhook", log)
	if err != nil {
		return nil, err
	}
	return cluster.New(client, log)
}

// nothing is around a webhook that has no cluster.
type nothing struct{ admission.Unchanging }

// Run has nothing to do.
func (nothing) Run(context.Context) {}

// Synced has nothing to wait for.
func (nothing) Synced() bool { return true }
