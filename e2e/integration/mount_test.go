package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// mount keeps the Secret's files in a folder, as a kubelet does: in a folder of each version,
// with the link ..data swapped to it.
type mount struct {
	dir    string
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	written string // resourceVersion
	err     error
}

// newMount returns when the files are there.
func newMount(ctx context.Context, client kubernetes.Interface, dir string) (*mount, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for _, file := range []string{"tls.crt", "tls.key", "ca.crt"} {
		if err := os.Symlink(filepath.Join("..data", file), filepath.Join(dir, file)); err != nil {
			return nil, err
		}
	}
	following, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &mount{dir: dir, cancel: cancel, done: make(chan struct{})}
	first := make(chan struct{}, 1)
	write := func(found any) {
		if secret, ok := found.(*corev1.Secret); ok {
			m.write(secret)
			select {
			case first <- struct{}{}:
			default:
			}
		}
	}
	only := fields.OneTermEqualSelector("metadata.name", "netmode-webhook-tls")
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "secrets", system, only),
		ObjectType:    &corev1.Secret{},
		// A kubelet leaves the files of a Secret that is deleted.
		Handler: cache.ResourceEventHandlerFuncs{AddFunc: write, UpdateFunc: func(_, found any) { write(found) }},
	})
	go func() {
		defer close(m.done)
		informer.RunWithContext(following)
	}()
	ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	select {
	case <-first:
		return m, nil
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("no Secret netmode-webhook-tls: %w", ctx.Err()), m.stop())
	}
}

// write makes the files those of the Secret, all at once.
func (m *mount) write(secret *corev1.Secret) {
	m.mu.Lock()
	defer m.mu.Unlock()
	version := filepath.Join(m.dir, "..v"+secret.ResourceVersion)
	errs := []error{m.err, os.Mkdir(version, 0o700)}
	for file, content := range secret.Data {
		errs = append(errs, os.WriteFile(filepath.Join(version, file), content, 0o600))
	}
	link := filepath.Join(m.dir, "..data_tmp")
	errs = append(errs, os.Symlink(filepath.Base(version), link), os.Rename(link, filepath.Join(m.dir, "..data")))
	m.written, m.err = secret.ResourceVersion, errors.Join(errs...)
}

// stop ends it. An error is that of a write.
func (m *mount) stop() error {
	if m == nil {
		return nil
	}
	m.cancel()
	<-m.done
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}
