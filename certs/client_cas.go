package certs

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// ClientCAs are the CAs that sign the certificates of clients, from a file that
// is followed when it changes.
type ClientCAs struct {
	path    string
	failed  func(error)
	current atomic.Pointer[clientCAs]
}

type clientCAs struct {
	text string
	pool *x509.CertPool
}

// NewClientCAs reads a file of CA certificates in PEM. The error names the file
// and the cure. failed is called with why a change cannot be used: what was read
// before stays.
func NewClientCAs(path string, failed func(error)) (*ClientCAs, error) {
	c := &ClientCAs{path: filepath.Clean(path), failed: failed}
	if err := c.reload(); err != nil {
		return nil, err
	}
	return c, nil
}

// Pool is what the file held when it was last in order.
func (c *ClientCAs) Pool() *x509.CertPool { return c.current.Load().pool }

// Run follows the file until ctx ends. Call it once.
func (c *ClientCAs) Run(ctx context.Context) {
	reported := ""
	follow(ctx, filepath.Dir(c.path), watchFolder, func(remind bool, watchErr error) {
		err := c.reload()
		if err == nil {
			err = watchErr
		}
		switch {
		case err == nil:
			reported = ""
		case remind || err.Error() != reported:
			reported = err.Error()
			c.failed(err)
		}
	})
}

func (c *ClientCAs) reload() error {
	text, err := readFile(os.DirFS(filepath.Dir(c.path)), filepath.Base(c.path))
	if err != nil {
		return fmt.Errorf("client CAs %q: %w: name a file of CA certificates in PEM that can be read", c.path, err)
	}
	if now := c.current.Load(); now != nil && now.text == string(text) {
		return nil
	}
	cas, err := parseCertificates(text)
	if err != nil {
		return fmt.Errorf("client CAs %q: %w: name a file of CA certificates in PEM", c.path, err)
	}
	pool := x509.NewCertPool()
	for _, ca := range cas {
		pool.AddCert(ca)
	}
	c.current.Store(&clientCAs{text: string(text), pool: pool})
	return nil
}
