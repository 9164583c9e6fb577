import { graphql } from "../api/graphql";

export const TemplatesForMessageQuery = graphql(`
  query TemplatesForMessage($search: String) {
    templates(kind: MESSAGE, search: $search, first: 100) {
      code
      title
      class
      version
      contents {
        channel
        locale
      }
    }
  }
`);

export const MessagePreviewQuery = graphql(`
  query MessagePreview($code: String!, $version: Int!, $channel: Channel!, $customerId: ID!) {
    previewTemplate(
      input: { channel: $channel, customerId: $customerId, template: { published: { code: $code, version: $version } } }
    ) {
      refusal {
        code
        message
        field
      }
      preview {
        subject
        body
        html
        locale
        segments
        ucs2
        steps {
          say
        }
      }
    }
  }
`);
