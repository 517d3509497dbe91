package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const clusterResolvConf = `# made by the kubelet
nameserver 10.96.0.10
search default.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
`

func TestResolvconf(t *testing.T) {
	const domain = "db.default.svc.cluster.local"
	first := strings.Replace(clusterResolvConf, "search ", "search "+domain+" ", 1)
	tests := map[string]struct{ domain, text, want string }{
		"a search line":              {domain, clusterResolvConf, first},
		"a dot at the end":           {domain + ".", clusterResolvConf, first},
		"first already":              {domain, first, first},
		"first, and again":           {domain, strings.Replace(first, " cluster.local", " cluster.local "+domain, 1), first},
		"last":                       {domain, strings.Replace(clusterResolvConf, " cluster.local", " cluster.local "+domain, 1), first},
		"no search line":             {domain, "nameserver 10.96.0.10", "nameserver 10.96.0.10\nsearch " + domain + "\n"},
		"an empty file":              {domain, "", "search " + domain + "\n"},
		"another with the same head": {"db.svc", "search db.svc.cluster.local db-prod.svc\n", "search db.svc db.svc.cluster.local db-prod.svc\n"},
		"another with the same tail": {"db.svc", "search old-db.svc a.db.svc\n", "search db.svc old-db.svc a.db.svc\n"},
		"a namespace of that name":   {"db.db-prod.svc", "search db-prod.svc svc\n", "search db.db-prod.svc db-prod.svc svc\n"},
		"a comment of that name":     {"db.svc", "# search db.svc\nsearch svc\n", "# search db.svc\nsearch db.svc svc\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := write(t, "resolv.conf", tt.text)
			said := "put into the search list of"
			if tt.text == tt.want {
				said = "in place already in the search list of"
			}
			domain := strings.TrimSuffix(tt.domain, ".")
			for range 2 { // the second time changes nothing more
				want := result{out: domain + " first: " + said + " " + path + "\n"}
				if got := netmode(t, "resolvconf", tt.domain, "--file", path); got != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				if diff := cmp.Diff(tt.want, readFile(t, path)); diff != "" {
					t.Errorf("file differs (-want +got):\n%s", diff)
				}
				said = "in place already in the search list of"
			}
			wantAlone(t, path)
		})
	}
}

// Some domains are first, others behind the namespace's own.
func TestResolvconfAtTwoPlaces(t *testing.T) {
	path := write(t, "resolv.conf", clusterResolvConf)
	args := []string{"resolvconf", "db.default.svc.cluster.local", "web.default.svc.cluster.local.", "behind", "default.svc.cluster.local", "zk.data.svc.cluster.local", "--file", path}
	const put = "db.default.svc.cluster.local, web.default.svc.cluster.local first, and zk.data.svc.cluster.local behind default.svc.cluster.local: "
	for _, said := range []string{"put into", "in place already in"} {
		want := result{out: put + said + " the search list of " + path + "\n"}
		if got := netmode(t, args...); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		after := strings.Replace(clusterResolvConf, "search default.svc.cluster.local ",
			"search db.default.svc.cluster.local web.default.svc.cluster.local default.svc.cluster.local zk.data.svc.cluster.local ", 1)
		if diff := cmp.Diff(after, readFile(t, path)); diff != "" {
			t.Errorf("file differs (-want +got):\n%s", diff)
		}
	}
	const cure = `error: "behind" without two domains: name the one that the others are to stand behind, and then the others` + "\n"
	for _, args := range [][]string{{"behind"}, {"db.svc", "behind", "svc"}} {
		if got := netmode(t, append(append([]string{"resolvconf"}, args...), "--file", path)...); got.code != 1 || got.err != cure {
			t.Errorf("%v: %+v", args, got)
		}
	}
	if got := netmode(t, "resolvconf", "db.svc", "behind", "svc", "Zk.svc", "--file", path); got.code != 1 || !strings.Contains(got.err, `DOMAIN "Zk.svc": not a DNS domain: `) {
		t.Errorf("%+v", got)
	}
}

// wantAlone: nothing else stays in the file's folder.
func wantAlone(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("left behind beside %s: %v", path, entries)
	}
}

func TestResolvconfRefuses(t *testing.T) {
	folder := t.TempDir()
	path := write(t, "resolv.conf", clusterResolvConf)
	dangling := filepath.Join(folder, "dangling")
	if err := os.Symlink("nowhere", dangling); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ domain, file, want string }{
		"no domain":       {"", path, `DOMAIN "": not a DNS domain: `},
		"upper case":      {"DB.svc", path, `DOMAIN "DB.svc": not a DNS domain: a lowercase RFC 1123 subdomain must consist of lower case`},
		"two words":       {"db.svc svc", path, `DOMAIN "db.svc svc": not a DNS domain: `},
		"a line break":    {"db.svc\nnameserver 192.0.2.1", path, `not a DNS domain: `},
		"two dots":        {"db..svc", path, `DOMAIN "db..svc": not a DNS domain: `},
		"too long":        {strings.Repeat("a.", 130) + "a", path, "not a DNS domain: must be no more than 253"},
		"missing file":    {"db.svc", folder + "/none", folder + "/none: "},
		"dangling link":   {"db.svc", dangling, dangling + ": "},
		"a folder":        {"db.svc", folder, "is a directory: name another with --file"},
		"no such file":    {"db.svc", folder + "/none", "no such file or directory: name another with --file"},
		"file is no name": {"db.svc", "", "name another with --file"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := netmode(t, "resolvconf", tt.domain, "--file", tt.file)
			if got.code != 1 || got.out != "" || !strings.HasPrefix(got.err, "error: ") || !strings.Contains(got.err, tt.want) {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
	if readFile(t, path) != clusterResolvConf {
		t.Error("a refused call changed the file")
	}
}

// TestResolvconfFollowsLinks: what the link leads to is replaced, not the link.
func TestResolvconfFollowsLinks(t *testing.T) {
	path := write(t, "resolv.conf", "search svc\n")
	links := t.TempDir()
	for link, to := range map[string]string{"absolute": path, "twice": "absolute"} {
		if err := os.Symlink(to, filepath.Join(links, link)); err != nil {
			t.Fatal(err)
		}
	}
	if got := netmode(t, "resolvconf", "db.svc", "--file", filepath.Join(links, "twice")); got.code != 0 {
		t.Fatal(got.err)
	}
	if got := readFile(t, path); got != "search db.svc svc\n" {
		t.Errorf("the target holds %q", got)
	}
	for link, to := range map[string]string{"absolute": path, "twice": "absolute"} {
		if got, err := os.Readlink(filepath.Join(links, link)); err != nil || got != to {
			t.Errorf("link %s leads to %q: %v", link, got, err)
		}
	}
}

// TestOverwrite is the path for a file that nothing can be renamed over.
func TestOverwrite(t *testing.T) {
	for _, content := range []string{"longer than it was before\n", "shorter\n", ""} {
		path := write(t, "resolv.conf", "as it was before\n")
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := overwrite(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		after, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, path); got != content || !os.SameFile(before, after) {
			t.Errorf("got %q, want %q in the same file", got, content)
		}
	}
	if err := overwrite(filepath.Join(t.TempDir(), "none"), nil); !os.IsNotExist(err) {
		t.Errorf("overwriting a file that is not there: %v", err)
	}
}
