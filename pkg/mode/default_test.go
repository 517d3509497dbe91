package mode_test

import (
	"testing"

	"github.com/netmode-io/netmode/pkg/api"
)

func TestDefaultPod(t *testing.T)     { runPodRows(t, api.ModeDefault, defaultPods()) }
func TestDefaultService(t *testing.T) { runServiceRows(t, api.ModeDefault, defaultServices()) }

func defaultPods() []podRow {
	keeps := []string{"kept ModeDefault"}
	return []podRow{
		{line: "an ordinary pod stays as it is", spec: `{"dnsPolicy":"ClusterFirst",` + onePort + `}`, want: keeps},
		{line: "a pod that every other mode refuses stays as it is",
			spec: `{"hostNetwork":true,"hostUsers":false,"hostnameOverride":"x","os":{"name":"windows"},"containers":[{"name":"istio-proxy"}]}`, want: keeps},
	}
}

func defaultServices() []serviceRow {
	return []serviceRow{
		{line: "an ordinary Service stays as it is", spec: `{"type":"ClusterIP"}`, want: []string{"kept ModeDefault"}},
		{line: "a NodePort stays as it is", spec: `{"type":"NodePort","ports":[{"port":80,"targetPort":8080}]}`, want: []string{"kept ModeDefault"}},
	}
}
