package engine

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/netmode-io/netmode/e2e/command"
)

// known is what engines say when something that has a cure is wrong.
func known() []struct{ said, means string } {
	return []struct{ said, means string }{
		{"unable to apply caps", "this docker gives a container capabilities that this machine does not have: use ENGINE=podman"},
		{"permission denied while trying to connect to the docker", "this user may not talk to docker: run the same command with sudo -E, or usermod -aG docker $USER and log in again"},
		{"cannot connect to the docker daemon", "docker's daemon does not run: systemctl start docker"},
		{"failed to connect to the docker api", "docker's daemon does not run: systemctl start docker"},
		{"error setting rlimit", "podman may not raise a limit here: run the same command from a shell with higher limits (ulimit -Hn)"},
		{"executable file `runc` not found", "runc is not installed: apt-get install runc"},
		{"executable file not found in $path: oci", "runc is not installed: apt-get install runc"},
		{"address already in use", "a port that the cluster publishes is taken: run the same command again for another port; ss -ltnp names who has it"},
		{"port is already allocated", "a port that the cluster publishes is taken: run the same command again for another port; ss -ltnp names who has it"},
		{"no space left on device", "the disk is full: the image and two nodes need 8 GiB (df -h; podman system prune or docker system prune)"},
		{"already exist for a cluster with the name", "a cluster of this name is here already: make cluster-down"},
	}
}

// Explain puts a cure to an error of an engine, or of kind, that this package knows. Any other
// comes back as it is. Output is what the engine said beside the error's own text.
func Explain(err error, output string) error {
	if err == nil {
		return nil
	}
	said := strings.ToLower(err.Error() + "\n" + command.Said(err) + "\n" + output)
	for _, k := range known() {
		if strings.Contains(said, k.said) {
			return fmt.Errorf("%s (%w)", k.means, err)
		}
	}
	return err
}

// explain is Explain for an engine that did not answer at all.
func explain(name string, err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s is not installed: apt-get install %s", name, map[string]string{
			Docker: "docker.io", Podman: "podman runc netavark aardvark-dns iptables",
		}[name])
	}
	if explained := Explain(err, ""); explained.Error() != err.Error() {
		return explained
	}
	return fmt.Errorf("%s does not work: %w", name, err)
}
