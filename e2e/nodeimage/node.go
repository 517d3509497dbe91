package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/netmode-io/netmode/e2e/command"
)

// Repository holds the node images that this package makes.
const Repository = "localhost/netmode/kind-node"

// upstream is where kind publishes its node images.
const upstream = "docker.io/kindest/node"

// Engine is the container engine that is to hold the node image.
type Engine interface {
	HasImage(ctx context.Context, image string) bool
	Pull(ctx context.Context, image string) error
	LoadImages(ctx context.Context, archive io.Reader) error
	ImageTags(ctx context.Context, repository string) ([]string, error)
	RemoveImage(ctx context.Context, image string) error
}

// IsOurs tells an image that NodeImage makes from one that kind publishes, which brings its own
// pod network.
func IsOurs(image string) bool { return strings.HasPrefix(image, Repository+":") }

// NodeImage returns a kind node image that the engine holds, or can fetch: the given one if not
// empty, as it is; else the one of kind for the same version of Kubernetes, if its registry
// answers; else one that it builds. The first build takes 10 to 15 minutes on two cores.
func (b *Builder) NodeImage(ctx context.Context, engine Engine, given string) (string, error) {
	if given != "" {
		return given, nil
	}
	version, err := b.KubernetesVersion()
	if err != nil {
		return "", err
	}
	own, err := b.OwnImage()
	if err != nil {
		return "", err
	}
	published := upstream + ":" + version
	for _, image := range []string{own, published} {
		if engine.HasImage(ctx, image) {
			return image, nil
		}
	}
	if err := registryAnswers(ctx, b.client); err != nil {
		b.log.Say("no registry to pull %s from, so the node image is built here (%v)", published, err)
	} else if err := b.pull(ctx, engine, published); err == nil {
		return published, nil
	}
	return own, b.build(ctx, engine, version, own)
}

// registryAnswers asks the registry's base endpoint (OCI distribution specification, end-1),
// so that a machine without a network need not wait for a pull's retries.
func registryAnswers(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://registry-1.docker.io/v2/", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

func (b *Builder) pull(ctx context.Context, engine Engine, image string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	err := b.log.Step("pulling "+image, func() error { return engine.Pull(ctx, image) })
	if err != nil {
		b.log.Say("%s cannot be pulled, so the node image is built here (%v)", image, err)
	}
	return err
}

// OwnImage is the name of the node image that the present inputs make, built or not.
func (b *Builder) OwnImage() (string, error) {
	version, err := b.KubernetesVersion()
	if err != nil {
		return "", err
	}
	binaries, err := b.binariesHash(version)
	if err != nil {
		return "", err
	}
	s := newSum()
	s.text("binaries", binaries)
	s.text("base", baseHash())
	for _, dir := range []string{b.source, filepath.Join(b.source, "files"), filepath.Join(b.source, "pause")} {
		if err := s.sources(dir); err != nil {
			return "", err
		}
	}
	return Repository + ":" + version + "-" + s.String(), nil
}

// build makes the node image and gives it to the engine, then removes the ones before it.
func (b *Builder) build(ctx context.Context, engine Engine, version, tag string) error {
	// What needs root first: it would be a pity to find out after the long build.
	base, err := b.base(ctx)
	if err != nil {
		return err
	}
	bin, err := b.Binaries(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.cache, ".node-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	err = b.log.Step("assembling the node image", func() error {
		layer, err := b.nodeLayer(ctx, dir, bin, base, version)
		if err != nil {
			return err
		}
		return loadImage(ctx, engine, image{
			tag: tag, layers: []string{filepath.Join(base, "base.tar"), layer},
			start: start{
				Entrypoint: []string{"/usr/local/bin/entrypoint", "/sbin/init"},
				Env:        []string{"container=docker", "PATH=" + nodePath},
				StopSignal: "SIGRTMIN+3", // systemd(1): halt
			},
		})
	})
	if err != nil {
		return err
	}
	return removeOthers(ctx, engine, tag)
}

// nodePath is where a node, and an image of the cluster, looks for programs.
const nodePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// loadImage streams one image into the engine.
func loadImage(ctx context.Context, engine Engine, i image) error {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writeArchive(w, []image{i})
		written <- err
		_ = w.CloseWithError(err)
	}()
	err := engine.LoadImages(ctx, r)
	_ = r.CloseWithError(errors.New("the engine has ended"))
	if failed := <-written; err == nil {
		return failed
	}
	return err
}

// removeOthers removes the node images of earlier inputs. One that a container uses stays.
func removeOthers(ctx context.Context, engine Engine, tag string) error {
	tags, err := engine.ImageTags(ctx, Repository)
	if err != nil {
		return err
	}
	for _, other := range tags {
		if other != tag && IsOurs(other) {
			_ = engine.RemoveImage(ctx, other)
		}
	}
	return nil
}

// nodeLayer makes what a node has on top of Debian: the programs that kind calls, the units
// that start them, and the images that kubeadm starts the cluster with.
func (b *Builder) nodeLayer(ctx context.Context, dir, bin, base, version string) (string, error) {
	tags, err := b.imageTags(ctx, bin, version)
	if err != nil {
		return "", err
	}
	images := filepath.Join(dir, "cluster.tar")
	if err := b.clusterImages(ctx, dir, images, bin, base, tags); err != nil {
		return "", err
	}
	containerd, err := os.ReadFile(filepath.Join(b.source, "files", "containerd.toml"))
	if err != nil {
		return "", err
	}

	entries := []entry{
		{path: "kind/", mode: 0o755},
		{path: "kind/version", text: version, mode: 0o644},
		{path: "kind/images/", mode: 0o755},
		{path: "kind/images/cluster.tar", from: images, mode: 0o644},
		{path: "kind/manifests/", mode: 0o755},
		{path: "etc/cni/net.d/", mode: 0o755},
		{path: "etc/kubernetes/manifests/", mode: 0o755},
		{path: "etc/containerd/config.toml", text: fill(containerd, map[string]string{"Pause": tags["pause"]}), mode: 0o644},
		{path: "opt/cni/bin", link: "/usr/lib/cni"},
		{path: "usr/sbin/init", link: "/lib/systemd/systemd"},
		{path: "usr/local/bin/entrypoint", from: filepath.Join(b.source, "files", "entrypoint"), mode: 0o755},
	}
	for _, name := range []string{"kubeadm", "kubelet", "kubectl"} {
		entries = append(entries, entry{path: "usr/bin/" + name, from: filepath.Join(bin, name), mode: 0o755})
	}
	for _, name := range []string{"kubelet.service", "cluster-images.service"} {
		entries = append(entries, entry{path: "etc/systemd/system/" + name, from: filepath.Join(b.source, "files", name), mode: 0o644})
	}
	const wanted = "etc/systemd/system/multi-user.target.wants/"
	for _, unit := range []string{
		"/etc/systemd/system/kubelet.service", "/etc/systemd/system/cluster-images.service", "/lib/systemd/system/containerd.service",
	} {
		entries = append(entries, entry{path: wanted + filepath.Base(unit), link: unit})
	}
	layer := filepath.Join(dir, "node.tar")
	return layer, writeFile(layer, func(w io.Writer) error { return writeLayer(w, entries) })
}

// imageTags asks kubeadm which images it wants, and returns them by the last part of their
// name.
func (b *Builder) imageTags(ctx context.Context, bin, version string) (map[string]string, error) {
	out, err := b.run.Run(ctx, command.Command{Args: []string{
		filepath.Join(bin, "kubeadm"), "config", "images", "list", "--kubernetes-version", version,
	}})
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for tag := range strings.FieldsSeq(out) {
		name := tag[strings.LastIndex(tag, "/")+1:]
		name, _, _ = strings.Cut(name, ":")
		tags[name] = tag
	}
	for _, name := range append(clusterPrograms(), "kube-proxy", "pause") {
		if tags[name] == "" {
			return nil, fmt.Errorf("kubeadm %s wants no image %s but %s: the node image must be made otherwise for this version",
				version, name, strings.Join(strings.Fields(out), " "))
		}
	}
	return tags, nil
}

// clusterPrograms are the programs that are an image each, alone.
func clusterPrograms() []string {
	return []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "coredns"}
}

// clusterImages writes the images that kubeadm wants, each around one static program. Only
// kube-proxy needs more: nft and its libraries.
func (b *Builder) clusterImages(ctx context.Context, dir, path, bin, base string, tags map[string]string) error {
	pause := filepath.Join(dir, "pause")
	if err := b.goBuild(ctx, filepath.Join(b.source, "pause"), ".", "-s -w", pause); err != nil {
		return err
	}
	programs := map[string]string{"pause": pause}
	for _, name := range append(clusterPrograms(), "kube-proxy") {
		programs[name] = filepath.Join(bin, name)
	}
	var images []image
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		// kubeadm calls some by a path, some by a name on the PATH, and some by the entrypoint.
		inside := "usr/local/bin/" + name
		layer := filepath.Join(dir, name+".layer")
		err := writeFile(layer, func(w io.Writer) error {
			return writeLayer(w, []entry{{path: inside, from: programs[name], mode: 0o755}})
		})
		if err != nil {
			return err
		}
		i := image{tag: tags[name], layers: []string{layer}, start: start{
			Entrypoint: []string{"/" + inside}, Env: []string{"PATH=" + nodePath},
		}}
		if name == "kube-proxy" {
			i.layers = []string{filepath.Join(base, "nft.tar"), layer}
		}
		images = append(images, i)
	}
	return writeFile(path, func(w io.Writer) error { return writeArchive(w, images) })
}
