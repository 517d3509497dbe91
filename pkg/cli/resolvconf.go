package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/netmode-io/netmode/pkg/resolv"
)

func newResolvconf(streams *Streams) *cobra.Command {
	file := "/etc/resolv.conf"
	cmd := &cobra.Command{
		Use:   "resolvconf DOMAIN... [behind DOMAIN DOMAIN...]",
		Short: "Put domains into the search list of a resolv.conf",
		Long: `resolvconf puts each DOMAIN first in the search list of a resolv.conf, in that
order, so that short names are looked up there before any other domain. Those
after the word behind stand behind the one that is named first there, or last
where that is not listed. It is what netmode's init container runs. Running it
twice changes nothing more.`,
		Example: `  netmode resolvconf peers.default.svc.cluster.local
  netmode resolvconf peers.default.svc.cluster.local behind default.svc.cluster.local zk.data.svc.cluster.local`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			domains, err := parseDomains(args)
			if err != nil {
				return err
			}
			changed, err := putInto(file, domains)
			if err != nil {
				return err
			}
			said := "put into"
			if !changed {
				said = "in place already in"
			}
			_, _ = fmt.Fprintf(streams.Out, "%s: %s the search list of %s\n", domains, said, file)
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "file", file, "the resolv.conf to change")
	return cmd
}

// parseDomains reads the arguments strictly: they are written into a file.
func parseDomains(args []string) (resolv.Domains, error) {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = strings.TrimSuffix(arg, ".")
		if problems := validation.IsDNS1123Subdomain(words[i]); len(problems) > 0 {
			return resolv.Domains{}, fmt.Errorf("DOMAIN %q: not a DNS domain: %s", arg, problems[0])
		}
	}
	return resolv.ParseDomains(words)
}

// putInto rewrites the file. An error names the file and the cure.
func putInto(file string, domains resolv.Domains) (changed bool, err error) {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return false, fmt.Errorf("%s: %w: name another with --file", file, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("reading it: %w: name another with --file", err)
	}
	rewritten, changed := domains.Put(text)
	if !changed {
		return false, nil
	}
	if err := replaceFile(path, rewritten); err != nil {
		return false, fmt.Errorf("rewriting %s: %w: run as its owner, with the file writable", path, err)
	}
	return true, nil
}

// replaceFile gives the file a new content: by a rename where that works, so
// that a reader sees the old or the new one and nothing between. A pod's
// resolv.conf is a bind mount, over which nothing can be renamed; it is
// overwritten in place by one write, which only grows it as a rule.
func replaceFile(path string, content []byte) error {
	err := renameOver(path, content)
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) || errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return overwrite(path, content)
	}
	return err
}

func renameOver(path string, content []byte) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".resolv.conf.netmode-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Chmod(info.Mode().Perm())
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil {
		err = temp.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

func overwrite(path string, content []byte) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.WriteAt(content, 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(content))); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	written, err := os.ReadFile(path)
	if err == nil && !bytes.Equal(written, content) {
		err = errors.New("somebody else wrote to it at the same time")
	}
	return err
}
