package integration

import (
	_ "github.com/google/go-cmp/cmp"
	_ "sigs.k8s.io/controller-runtime/pkg/envtest"
)
