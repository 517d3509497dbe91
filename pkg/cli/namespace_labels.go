package cli

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checkLabels refuses labels that no Namespace can have.
func checkLabels(labels map[string]string) error {
	for key, value := range labels {
		problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...)
		if len(problems) > 0 {
			return fmt.Errorf("--namespace-labels %s=%s: not a label: %s", key, value, problems[0])
		}
	}
	return nil
}
