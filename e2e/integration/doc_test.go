// Package integration runs netmode against a real API server, in seconds: etcd, kube-apiserver
// and two controllers on loopback, and no kubelet, so that pods are admitted and stored but never
// run.
//
//	go test ./integration -v        (in e2e; make integration does the same)
//
// What is real: kube-apiserver, etcd and kube-controller-manager (the garbage collector and the
// status of ValidatingAdmissionPolicies), of KUBEBUILDER_ASSETS if that is set, else built once by
// package nodeimage; the objects of deploy/kustomize/base, applied as they are; the programs
// netmode-webhook and netmode-webhook certificates, as processes with tokens of their own
// ServiceAccounts, so that they have the rights which the manifests give and no other; the
// Secret, the caBundles and the TLS between them.
//
// What stands in: the test copies the Secret into the webhook's folder as a kubelet would, and
// since no packet reaches a ClusterIP here, the Service netmode-webhook becomes an ExternalName
// 127.0.0.1 and the webhooks call the port on which the process listens. The API server still
// verifies the certificate against netmode-webhook.netmode-system.svc.
//
// The API server presents a client certificate to webhooks, which they may demand. TestRemoval and
// TestHelm have API servers of their own; the latter installs the chart by Helm's own library.
//
// Tests run in parallel, each in a namespace of its own. Those that count calls, or stop or
// reconfigure something that all share, do not call t.Parallel, and so run alone. Nothing is
// left behind, however the test binary ends: see lifeline_test.go.
package integration
