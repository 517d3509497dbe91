// Package install renders deploy/kustomize, applies it to a cluster and waits until it works.
package install

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"
)

// imageName is what the manifests call the image.
const imageName = "ghcr.io/netmode-io/netmode"

// Options say what to change in the manifests. The zero value changes nothing.
type Options struct {
	Image      string   // NAME:TAG or NAME@DIGEST, wherever netmode's image is named
	Components []string // folders of kustomize components
	Patches    []Patch  // applied last, in this order
}

// Patch changes all objects of a kind, or the one of this name.
type Patch struct {
	Kind, Name string
	Operations string // a JSON Patch (RFC 6902), in JSON or YAML
}

// Render returns the objects of a folder of deploy/kustomize, in the order in which kubectl
// apply -k applies them. Its changes are those of an overlay that a user would write.
func Render(path string, o Options) (objects []*unstructured.Unstructured, err error) {
	dir, err := os.MkdirTemp("", "netmode-overlay-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	overlay, err := overlayOf(dir, path, o)
	if err != nil {
		return nil, err
	}
	content, err := yaml.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), content, 0o600); err != nil {
		return nil, err
	}
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	rendered, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", path, err)
	}
	for _, resource := range rendered.Resources() {
		content, err := resource.MarshalJSON()
		if err != nil {
			return nil, fmt.Errorf("render %s: %s: %w", path, resource.CurId(), err)
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(content); err != nil {
			return nil, fmt.Errorf("render %s: %s: %w", path, resource.CurId(), err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// overlayOf is the kustomization, in dir, that makes the changes.
func overlayOf(dir, path string, o Options) (*types.Kustomization, error) {
	resource, err := relative(dir, path)
	if err != nil {
		return nil, err
	}
	overlay := &types.Kustomization{
		TypeMeta:  types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind},
		Resources: []string{resource},
	}
	for _, path := range o.Components {
		component, err := relative(dir, path)
		if err != nil {
			return nil, err
		}
		overlay.Components = append(overlay.Components, component)
	}
	if o.Image != "" {
		image, err := parseImage(o.Image)
		if err != nil {
			return nil, err
		}
		overlay.Images = []types.Image{image}
	}
	for _, p := range o.Patches {
		target := &types.Selector{ResId: resid.ResId{Gvk: resid.Gvk{Kind: p.Kind}, Name: p.Name}}
		overlay.Patches = append(overlay.Patches, types.Patch{Patch: p.Operations, Target: target})
	}
	return overlay, nil
}

// relative names a folder relative to dir, as kustomize wants it.
func relative(dir, path string) (string, error) {
	from, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if to, err = filepath.EvalSymlinks(to); err != nil {
		return "", err
	}
	found, err := filepath.Rel(from, to)
	return filepath.ToSlash(found), err
}

// parseImage says how images: puts this image in the place of the manifests' one.
func parseImage(image string) (types.Image, error) {
	name, digest, _ := strings.Cut(image, "@")
	tag := ""
	if at := strings.LastIndex(name, ":"); at > strings.LastIndex(name, "/") {
		name, tag = name[:at], name[at+1:]
	}
	if name == "" || tag == "" && digest == "" {
		return types.Image{}, fmt.Errorf("image %q: want NAME:TAG or NAME@DIGEST, such as localhost/netmode:dev", image)
	}
	return types.Image{Name: imageName, NewName: name, NewTag: tag, Digest: digest}, nil
}
