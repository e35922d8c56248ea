package gemini

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/balerhq/baler/internal/httpclient"
	"github.com/balerhq/baler/retry"
	"github.com/balerhq/baler/sink"
	"github.com/balerhq/baler/sink/internal/client"
	"github.com/balerhq/baler/sink/internal/payload"
)

// Upload implements sink.Provider. The display name of the file is that of the
// tag, so that an upload whose reply was lost is found and used. One that broke
// off goes on where it was. A batch of up to Config.InlineBytes is not uploaded
// at all.
func (c *Client) Upload(ctx context.Context, spec sink.Spec, rows sink.Rows) (string, error) {
	p, err := c.measure(spec, lineFormat, rows)
	if err != nil {
		return "", fmt.Errorf("gemini: upload: %w", err)
	}
	if inlineSize(spec.Tag, &p) <= c.cfg.InlineBytes {
		if err := context.Cause(ctx); err != nil {
			return "", fmt.Errorf("gemini: upload: %w", err)
		}
		return "", nil
	}
	u := upload{
		Client: c, name: filename(spec.Tag), mediaType: jsonLines, size: p.Size,
		open: func() io.ReadCloser { return p.Reader("", "", rows) },
	}
	var name string
	look := !spec.New // for an earlier upload
	err = c.client.Repeat(ctx, func(ctx context.Context) (err error) {
		if look {
			if name, err = u.uploaded(ctx); err != nil || name != "" {
				return err
			}
		}
		look = true
		f, err := u.send(ctx)
		name = f.name
		return err
	})
	if err != nil {
		return "", fmt.Errorf("gemini: upload of %d bytes: %w", p.Size, uploadError(err))
	}
	return name, nil
}

// uploadError is the error of an upload, told by its cause. The API says in
// words alone that a file is too large.
func uploadError(err error) error {
	if said, ok := errors.AsType[*retry.Error](err); ok && said.Status == http.StatusBadRequest && isTooLarge(said.Message) {
		return client.Because(sink.ErrTooLarge, err)
	}
	return client.Uploaded(err)
}

// measure encodes the rows, and refuses what no batch may be.
func (c *Client) measure(spec sink.Spec, f *payload.Format, rows sink.Rows) (payload.Payload, error) {
	if _, err := creationPath(spec); err != nil {
		return payload.Payload{}, err
	}
	p, err := payload.Measure(f, rows)
	most := c.client.Limits()
	switch {
	case err != nil:
	case most.Rows > 0 && p.Rows > most.Rows:
		err = fmt.Errorf("%d rows, and %d are allowed: %w", p.Rows, most.Rows, sink.ErrTooLarge)
	case most.Bytes > 0 && p.Size > most.Bytes:
		err = fmt.Errorf("%d bytes, and %d are allowed: %w", p.Size, most.Bytes, sink.ErrTooLarge)
	}
	return p, err
}

// upload is one file on its way, over as many calls as it takes.
type upload struct {
	*Client
	name      string // for people
	mediaType string
	size      int64
	open      func() io.ReadCloser // the content, from its beginning

	session string // where the content goes, "" if that is not known
}

// uploaded looks among the newest files for an earlier upload of this one.
func (u *upload) uploaded(ctx context.Context) (string, error) {
	p, err := u.filesOnce(ctx, httpclient.Unpaced, "")
	if err != nil {
		return "", err
	}
	for _, item := range p.Items {
		f := parseFile(item)
		if f.displayName == u.name && f.bytes == u.size && f.usable() {
			return f.name, nil
		}
	}
	return "", nil
}

// send uploads the content, or the rest of it if some has arrived. A session
// that cannot be asked is left: another upload does no harm.
func (u *upload) send(ctx context.Context) (f file, err error) {
	offset := int64(0)
	if u.session != "" {
		if offset, err = u.received(ctx); err != nil {
			u.session, offset = "", 0
		}
	}
	if u.session == "" {
		if u.session, err = u.start(ctx); err != nil {
			return file{}, err
		}
	}
	body := u.open()
	defer body.Close()
	if _, err := io.CopyN(io.Discard, body, offset); err != nil {
		return file{}, err
	}
	call := u.call("upload, finalize")
	call.Header.Set("X-Goog-Upload-Offset", strconv.FormatInt(offset, 10))
	call.Body, call.Size, call.ContentType = body, u.size-offset, u.mediaType
	call.Timeout = payload.Timeout(call.Size)
	var reply struct {
		File json.RawMessage `json:"file"`
	}
	err = u.client.Once(ctx, call, &reply)
	f = parseFile(reply.File)
	if err == nil && f.name == "" {
		err = retry.Mark(errors.New("reply names no file"), retry.Retryable)
	}
	return f, err
}

// jsonLines is the media type of a file of rows.
const jsonLines = "application/jsonl"

// start asks where to send the content.
func (u *upload) start(ctx context.Context) (session string, err error) {
	reply, err := u.client.Stream(ctx, httpclient.Call{
		Method: http.MethodPost, Path: "/upload" + version + "files", Kind: httpclient.Upload,
		Header: http.Header{
			"X-Goog-Upload-Protocol":              {"resumable"},
			"X-Goog-Upload-Command":               {"start"},
			"X-Goog-Upload-Header-Content-Length": {strconv.FormatInt(u.size, 10)},
			"X-Goog-Upload-Header-Content-Type":   {u.mediaType},
		},
		JSON: map[string]any{"file": map[string]string{"displayName": u.name, "mimeType": u.mediaType}},
	})
	if err != nil {
		return "", err
	}
	if err := drain(reply); err != nil {
		return "", err
	}
	return u.sessionOf(reply.Header.Get("X-Goog-Upload-Url"))
}

// drain closes a reply whose body says nothing, so that the connection is used
// again.
func drain(reply *httpclient.Reply) error {
	defer reply.Close()
	_, err := io.Copy(io.Discard, io.LimitReader(reply, maxRest))
	return err
}

// sessionOf returns the path of an upload URL. It is called at the host of the
// API, whatever host the URL names: rows and key go nowhere else.
func (c *Client) sessionOf(uploadURL string) (session string, err error) {
	u, err := url.Parse(uploadURL)
	if err != nil || !strings.HasPrefix(u.EscapedPath(), "/") {
		return "", retry.Mark(errors.New("reply does not say where to upload to"), retry.Retryable)
	}
	query := u.Query()
	query.Del("key") // which is in the header
	session = u.EscapedPath()
	if rest, isBelow := strings.CutPrefix(session, c.prefix+"/"); isBelow {
		session = "/" + rest
	}
	return session + "?" + query.Encode(), nil
}

// received asks how much of the content has arrived. It is an error if the
// upload is over, or cannot be gone on with.
func (u *upload) received(ctx context.Context) (offset int64, err error) {
	reply, err := u.client.Stream(ctx, u.call("query"))
	if err != nil {
		return 0, err
	}
	if err := drain(reply); err != nil {
		return 0, err
	}
	offset, err = strconv.ParseInt(reply.Header.Get("X-Goog-Upload-Size-Received"), 10, 64)
	if err != nil || reply.Header.Get("X-Goog-Upload-Status") != "active" || offset < 0 || offset > u.size {
		return 0, errors.New("the upload cannot be taken up")
	}
	return offset, nil
}

// call is one about the session. It goes with the call that has started that.
func (u *upload) call(command string) httpclient.Call {
	return httpclient.Call{
		Method: http.MethodPost, Path: u.session, Kind: httpclient.Unpaced,
		Header: http.Header{"X-Goog-Upload-Command": {command}},
	}
}
