package app

import (
	"strings"
	"testing"
)

func TestCertificatesBadFlags(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 251)

	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown flag", []string{"--standalone"}, []string{"unknown flag: --standalone"}},
		{"namespace", []string{"--namespace=a.b"}, []string{`--namespace "a.b": not a name in Kubernetes: `, "must not contain dots"}},
		{"namespace, empty", []string{"--namespace="}, []string{`--namespace "": not a name in Kubernetes: `}},
		{"service", []string{"--service=Webhook"}, []string{`--service "Webhook": not a name in Kubernetes: `}},
		{"secret", []string{"--secret=a/b"}, []string{`--secret "a/b": not a name in Kubernetes: `}},
		{"secret, no room for -ca", []string{"--secret=" + long}, []string{`--secret "` + long + `": with -ca after it, it is longer than 253 characters: choose a shorter name`}},
		{"secret, too long", []string{"--secret=" + long + "aaa"}, []string{`": not a name in Kubernetes: must be no more than 253 characters`}},
		{"webhook-configuration", []string{"--webhook-configuration=netmode,a_b"}, []string{`--webhook-configuration "a_b": not a name in Kubernetes: `}},
		{"webhook-configuration, empty", []string{"--webhook-configuration="}, []string{"--webhook-configuration is empty: name the webhook configurations that call the Service"}},
		{"webhook-configuration, twice", []string{"--webhook-configuration=a,b", "--webhook-configuration=a"}, []string{`--webhook-configuration "a": given twice: once is enough`}},
		{"leaf-lifetime", []string{"--leaf-lifetime=4m59s"}, []string{"--leaf-lifetime 4m59s: pods could not follow: give at least 5m0s"}},
		{"leaf-lifetime, no duration", []string{"--leaf-lifetime=90d"}, []string{`invalid argument "90d" for "--leaf-lifetime"`}},
		{"ca-lifetime", []string{"--leaf-lifetime=1h", "--ca-lifetime=2h59m"}, []string{"--ca-lifetime 2h59m0s: a certificate of 1h0m0s could outlive it: give at least three times --leaf-lifetime"}},
		{"ca-lifetime, negative", []string{"--ca-lifetime=-1h"}, []string{"--ca-lifetime -1h0m0s: a certificate of 2160h0m0s could outlive it"}},
		{"all at once", []string{"--namespace=-", "--service=-", "--secret=-", "--leaf-lifetime=1s", "--ca-lifetime=2s", "--ops-listen=x"}, []string{
			"--namespace", "--service", "--secret", "--leaf-lifetime 1s", "--ca-lifetime 2s", "--ops-listen"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, append([]string{"certificates"}, tt.args...), tt.want)
		})
	}
}
