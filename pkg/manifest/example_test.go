package manifest_test

import (
	"fmt"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/netmode-io/netmode/pkg/manifest"
)

// Only the lines that a change reaches are other ones afterwards.
func Example() {
	file, err := manifest.Read("web.yaml", []byte(`# the front door
apiVersion: v1
kind: Service
metadata: {name: web}   # as in DNS
spec:
  ports:
  - port: 80   # plain
---
apiVersion: v1
kind:   ConfigMap
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for object, err := range manifest.Objects(file) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if object.Kind != "Service" {
			continue
		}
		fmt.Printf("%s in line %d\n", object.Label(), object.Line)
		err := object.Document.Apply([]jsonpatch.Operation{
			jsonpatch.NewOperation("add", object.Pointer+"/spec/clusterIP", "None"),
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Printf("%s", file.Bytes())
	// Output:
	// Service/web in line 2
	// # the front door
	// apiVersion: v1
	// kind: Service
	// metadata: {name: web}   # as in DNS
	// spec:
	//   ports:
	//   - port: 80   # plain
	//   clusterIP: None
	// ---
	// apiVersion: v1
	// kind:   ConfigMap
}
