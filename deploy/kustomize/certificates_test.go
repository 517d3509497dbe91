package kustomize_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/netmode-io/netmode/certs"
)

// controllerConfig is what the certificates Deployment is told.
func controllerConfig(t *testing.T, all []runtime.Object) certs.ControllerConfig {
	t.Helper()
	flags := flagsOf(container(t, named[*appsv1.Deployment](t, all, "netmode-certificates")))
	return certs.ControllerConfig{
		Namespace: flags["--namespace"], Secret: flags["--secret"], Service: flags["--service"],
		WebhookConfigurations: strings.Split(flags["--webhook-configuration"], ","),
	}
}

// mountedSecret is the Secret of the webhook's pods, found where --cert-dir looks.
func mountedSecret(t *testing.T, d *appsv1.Deployment) string {
	t.Helper()
	mounts, volumes := container(t, d).VolumeMounts, d.Spec.Template.Spec.Volumes
	if len(mounts) != 1 || len(volumes) != 1 || mounts[0].Name != volumes[0].Name || !mounts[0].ReadOnly ||
		mounts[0].MountPath != flagsOf(container(t, d))["--cert-dir"] {
		t.Fatalf("mounts %+v of volumes %+v", mounts, volumes)
	}
	if mode := volumes[0].Secret.DefaultMode; mode == nil || *mode != 0o440 || d.Spec.Template.Spec.SecurityContext.FSGroup == nil {
		t.Errorf("the private key's mode is not 0440 with an fsGroup")
	}
	// The Secret is there before its content: without these keys the pod would start, and fail.
	for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey, corev1.ServiceAccountRootCAKey} {
		if !slices.Contains(volumes[0].Secret.Items, corev1.KeyToPath{Key: key, Path: key}) {
			t.Errorf("does not wait for %s", key)
		}
	}
	return volumes[0].Secret.SecretName
}

// The program may create no Secret: both are there, empty. Without data, an apply finds none in
// what was applied before, and takes none away; without a type, which never changes, it fits a
// Secret that the program made in an earlier version.
func TestSecretsAreEmpty(t *testing.T) {
	all := base(t)
	controller := controllerConfig(t, all)
	for _, name := range []string{controller.Secret, controller.AuthoritySecret()} {
		s := named[*corev1.Secret](t, all, name)
		if s.Data != nil || s.StringData != nil || s.Type != "" || s.Immutable != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if secrets := only[*corev1.Secret](all); len(secrets) != 2 {
		t.Errorf("%d Secrets", len(secrets))
	}
	filled := map[string]any{"tls.crt": "Yw==", "tls.key": "aw==", "ca.crt": "YQ=="}
	for _, document := range documents(t, "base/certificates-secrets.yaml") {
		var manifest map[string]any
		decode(t, document, &manifest)
		live := maps.Clone(manifest)
		live["data"], live["type"] = filled, "kubernetes.io/tls"
		if diff := cmp.Diff(live, applied(t, manifest, live)); diff != "" {
			t.Errorf("applied again: %s", diff)
		}
		// Other data in the manifest would be seen in this test.
		full := maps.Clone(manifest)
		full["data"] = map[string]any{"tls.crt": ""}
		if cmp.Equal(live, applied(t, full, live)) {
			t.Error("no merge")
		}
	}
}

// applied is what a second kubectl apply, or a helm upgrade, of the manifest makes of the live object.
func applied(t *testing.T, manifest, live map[string]any) map[string]any {
	t.Helper()
	texts := make([][]byte, 2)
	for i, object := range []map[string]any{manifest, live} {
		var err error
		if texts[i], err = json.Marshal(object); err != nil {
			t.Fatal(err)
		}
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(corev1.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(texts[0], texts[0], texts[1], meta, true)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := strategicpatch.StrategicMergePatch(texts[1], patch, corev1.Secret{})
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(merged, &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// The program keeps what the others use: the mounted Secret, the Service that is called, the
// configurations that call it, in the namespace of all.
func TestCertificatesFitTogether(t *testing.T) {
	all := base(t)
	want := certs.ControllerConfig{Namespace: ownNamespace, Secret: webhookName + "-tls", Service: webhookName, WebhookConfigurations: []string{"netmode"}}
	if diff := cmp.Diff(want, controllerConfig(t, all)); diff != "" {
		t.Error(diff)
	}
	webhook := named[*appsv1.Deployment](t, all, webhookName)
	if secret := mountedSecret(t, webhook); secret != want.Secret {
		t.Errorf("the webhook mounts %s", secret)
	}
	if own := flagsOf(container(t, webhook))["--own-namespace"]; own != want.Namespace {
		t.Errorf("the webhook's own namespace is %s", own)
	}
	secrets := "netmode-system: get,list,watch,update /secrets " + want.Secret + "," + want.AuthoritySecret()
	if may := rights(t, all)["netmode-certificates"]; !slices.Contains(may, secrets) {
		t.Errorf("no %q among %q", secrets, may)
	}
}

// certManager are the fields of cert-manager.io/v1 Issuer and Certificate in use here.
type certManager struct {
	metav1.TypeMeta
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		SelfSigned *struct{} `json:"selfSigned"`
		CA         *struct {
			SecretName string `json:"secretName"`
		} `json:"ca"`

		IsCA        bool            `json:"isCA"`
		CommonName  string          `json:"commonName"`
		DNSNames    []string        `json:"dnsNames"`
		SecretName  string          `json:"secretName"`
		Duration    metav1.Duration `json:"duration"`
		RenewBefore metav1.Duration `json:"renewBefore"`
		Usages      []string        `json:"usages"`
		PrivateKey  struct {
			Algorithm      string `json:"algorithm"`
			Size           int    `json:"size"`
			RotationPolicy string `json:"rotationPolicy"`
		} `json:"privateKey"`
		IssuerRef struct {
			Group string `json:"group"`
			Kind  string `json:"kind"`
			Name  string `json:"name"`
		} `json:"issuerRef"`
	} `json:"spec"`
}

func TestCertManagerChain(t *testing.T) {
	found := map[string]certManager{}
	for _, document := range documents(t, "cert-manager/certificates.yaml") {
		var o certManager
		decode(t, document, &o)
		if o.APIVersion != "cert-manager.io/v1" || o.Namespace != ownNamespace {
			t.Errorf("%s %s of %s in namespace %q", o.Kind, o.Name, o.APIVersion, o.Namespace)
		}
		found[o.Kind+" "+o.Name] = o
	}
	if len(found) != 4 {
		t.Fatalf("want two Issuers and two Certificates, have %d objects", len(found))
	}
	all := base(t)
	controller := controllerConfig(t, all)
	leaf := found["Certificate "+controller.Secret]
	signer := found["Issuer "+leaf.Spec.IssuerRef.Name]
	if signer.Spec.CA == nil {
		t.Fatalf("the leaf's issuer is no CA: %+v", signer)
	}
	authority := found["Certificate "+signer.Spec.CA.SecretName]
	root := found["Issuer "+authority.Spec.IssuerRef.Name]
	if root.Spec.SelfSigned == nil {
		t.Errorf("the CA's issuer is not self-signed: %+v", root)
	}
	if leaf.Spec.SecretName != controller.Secret || leaf.Spec.IsCA || !slices.Equal(leaf.Spec.DNSNames, controller.DNSNames()) {
		t.Errorf("leaf %+v", leaf.Spec)
	}
	// The base's CA Secret is of another type, which never changes: it needs another name.
	if s := authority.Spec; !s.IsCA || s.SecretName != signer.Spec.CA.SecretName || s.SecretName == controller.AuthoritySecret() {
		t.Errorf("CA %+v", s)
	}
	if authority.Spec.PrivateKey.RotationPolicy != "Never" {
		t.Error("a renewed CA would not verify what pods still serve")
	}
}

// The overlay injects the caBundle in the place of the program, which it takes away, whole.
func TestCertManagerReplacesTheProgram(t *testing.T) {
	injected := objects(t, "cert-manager/inject-ca.yaml")
	if len(injected) != 1 || len(only[*admissionv1.MutatingWebhookConfiguration](injected)) != 1 {
		t.Errorf("want the configuration, have %d objects", len(injected))
	}
	for _, object := range injected {
		meta, ok := object.(metav1.Object)
		if !ok || meta.GetName() != "netmode" || meta.GetAnnotations()["cert-manager.io/inject-ca-from"] != "netmode-system/netmode-webhook-tls" {
			t.Errorf("%+v", object)
		}
	}

	var removed, program []string
	for _, document := range documents(t, "cert-manager/without-certificates.yaml") {
		var o struct {
			metav1.TypeMeta
			metav1.ObjectMeta `json:"metadata"`
			Patch             string `json:"$patch"`
		}
		decode(t, document, &o)
		if o.Patch != "delete" {
			t.Errorf("%s %s: $patch: %q", o.Kind, o.Name, o.Patch)
		}
		removed = append(removed, strings.Join([]string{o.APIVersion, o.Kind, o.Namespace, o.Name}, " "))
	}
	for _, object := range base(t) {
		meta, ok := object.(metav1.Object)
		if ok && meta.GetLabels()["app.kubernetes.io/component"] == "certificates" {
			kind := object.GetObjectKind().GroupVersionKind()
			program = append(program, strings.Join([]string{kind.GroupVersion().String(), kind.Kind, meta.GetNamespace(), meta.GetName()}, " "))
		}
	}
	slices.Sort(removed)
	slices.Sort(program)
	if diff := cmp.Diff(program, removed); diff != "" || len(program) != 9 {
		t.Errorf("%d objects of the program; %s", len(program), diff)
	}
}
