package apps

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// volumesRoot is the folder of a node that holds what its local volumes hold.
const volumesRoot = "/var/local/netmode-apps/"

// volumes makes a StorageClass named as the namespace, and count local volumes of it on each node:
// all pods may come to be on one.
func (s *scene) volumes(ctx context.Context, t *testing.T, count int) {
	t.Helper()
	if count == 0 {
		return
	}
	class := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: s.namespace}, Provisioner: "kubernetes.io/no-provisioner",
		VolumeBindingMode: new(storagev1.VolumeBindingWaitForFirstConsumer),
	}
	if _, err := s.kube.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, node := range s.cluster.Nodes {
		for i := range count {
			path := fmt.Sprintf("%s%s/%d", volumesRoot, s.namespace, i)
			if _, err := s.cluster.Engine(ctx, "exec", node.Name, "mkdir", "-p", path); err != nil {
				t.Fatal(err)
			}
			v := s.volume(fmt.Sprintf("%s-%s-%d", s.namespace, node.Name, i), node.Name, path)
			if _, err := s.kube.CoreV1().PersistentVolumes().Create(ctx, v, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (s *scene) volume(name, node, path string) *corev1.PersistentVolume {
	on := corev1.NodeSelectorRequirement{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{namespaceLabel: s.namespace}},
		Spec: corev1.PersistentVolumeSpec{
			StorageClassName:              s.namespace,
			AccessModes:                   []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Capacity:                      corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("100Gi")},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{on}}},
			}},
		},
	}
}

// removeVolumes removes what volumes made, from the nodes too, when no pod is left.
func (s *scene) removeVolumes(ctx context.Context) error {
	failed := []error{
		s.kube.StorageV1().StorageClasses().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name=" + s.namespace}),
		s.kube.CoreV1().PersistentVolumes().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: namespaceLabel + "=" + s.namespace}),
	}
	for _, node := range s.cluster.Nodes {
		_, err := s.cluster.Engine(ctx, "exec", node.Name, "rm", "-rf", volumesRoot+s.namespace)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
