package install

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/netmode-io/netmode/e2e/cluster"
	"github.com/netmode-io/netmode/e2e/progress"
)

// imageAnnotation marks pods with the image that they were started for.
const imageAnnotation = "netmode.test/image-id"

// Into installs a folder of deploy/kustomize into the cluster and waits until it works. It loads
// the image of o, if one is given, from the container engine to the nodes; a new image of the
// same name restarts netmode's pods. Each step is a line in out, which may be nil.
func Into(ctx context.Context, c *cluster.Cluster, path string, o Options, out io.Writer) error {
	log := progress.New(out, "install")
	if o.Image != "" {
		restart, err := restartFor(ctx, c, o.Image)
		if err != nil {
			return err
		}
		o.Patches = append([]Patch{restart}, o.Patches...)
		if err := log.Step("loading "+o.Image, func() error { return c.Load(ctx, o.Image) }); err != nil {
			return err
		}
	}
	objects, err := Render(path, o)
	if err != nil {
		return err
	}
	config := c.Config()
	what := fmt.Sprintf("applying %d objects of %s", len(objects), path)
	if err := log.Step(what, func() error { return Apply(ctx, config, objects) }); err != nil {
		return err
	}
	return log.Step("waiting until netmode works", func() error { return Wait(ctx, config) })
}

// restartFor changes the pod templates when the image's content does.
func restartFor(ctx context.Context, c *cluster.Cluster, image string) (Patch, error) {
	id, err := c.Engine(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	if err != nil {
		return Patch{}, fmt.Errorf("the container engine holds no image %s: make image IMAGE=%s (%w)", image, image, err)
	}
	return Patch{Kind: "Deployment", Operations: fmt.Sprintf(`[{"op": "add", "path": "/spec/template/metadata/annotations", "value": {%q: %s}}]`,
		imageAnnotation, strconv.Quote(strings.TrimSpace(id)))}, nil
}
