package server

import "time"

// notReady says why the server takes no requests or cannot decide, or "".
func (s *Server) notReady() string {
	certificateFault := s.certificateFault(time.Now())
	switch {
	case !s.ready.Load():
		return "starting or draining"
	case certificateFault != "":
		return certificateFault
	case s.config.Prepared != nil && !s.config.Prepared():
		return "Services, Namespaces and policies are not read yet; the log says why if it lasts"
	}
	return ""
}

// certificateFault says why clients refuse the certificate that is served at the
// time, or "".
func (s *Server) certificateFault(now time.Time) string {
	const cure = ": see why netmode-webhook certificates, or cert-manager, has not renewed it, or whether this node's clock is right"
	certificate, err := s.config.Certificates.GetCertificate(nil)
	switch {
	case err != nil:
		return "no serving certificate: " + err.Error()
	case certificate.Leaf == nil:
		return ""
	case now.Before(certificate.Leaf.NotBefore):
		return "the serving certificate is not valid before " + certificate.Leaf.NotBefore.UTC().Format(time.RFC3339) + cure
	case now.After(certificate.Leaf.NotAfter):
		return "the serving certificate expired at " + certificate.Leaf.NotAfter.UTC().Format(time.RFC3339) + cure
	}
	return ""
}
