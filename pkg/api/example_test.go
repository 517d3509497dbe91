package api_test

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/netmode-io/netmode/pkg/api"
)

// What an object's author asks for.
func ExampleParseAnnotations() {
	intent, errs := api.ParseAnnotations(map[string]string{
		"netmode.io/mode":          "statefulset-headless",
		"netmode.io/service":       "workers",
		"example.com/not-netmodes": "is not looked at",
	}, field.NewPath("metadata", "annotations"))
	fmt.Println(intent.Mode, intent.Service, len(errs))
	// Output:
	// statefulset-headless workers 0
}

// A bad value is an error with the values that are good; an unknown key comes
// with the nearest known one.
func ExampleParseAnnotations_mistakes() {
	intent, errs := api.ParseAnnotations(map[string]string{
		"netmode.io/publish-not-ready-addresses": "yes",
		"netmode.io/servise":                     "workers",
	}, field.NewPath("metadata", "annotations"))
	for _, err := range errs {
		fmt.Println(err)
	}
	for _, unknown := range intent.Unknown {
		fmt.Println(unknown.Key, "is unknown: is it", unknown.Nearest)
	}
	// Output:
	// metadata.annotations[netmode.io/publish-not-ready-addresses]: Unsupported value: "yes": supported values: "true", "false"
	// netmode.io/servise is unknown: is it netmode.io/service
}

// A view has what decisions read of an object. An error names the field, what
// stands there, and what must.
func ExampleDecode() {
	var pod api.Pod
	err := api.Decode([]byte(`{"spec": {"hostname": "db-0", "volumes": "are not read"}}`), &pod, "")
	fmt.Println(pod.Spec.Hostname, err)
	fmt.Println(api.Decode([]byte(`{"spec": {"hostname": 7}}`), &pod, ""))
	// Output:
	// db-0 <nil>
	// spec.hostname: is a number, and must be a string: put quotes around it
}
