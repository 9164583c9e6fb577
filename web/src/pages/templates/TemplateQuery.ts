import { graphql } from "../../api/graphql";

const Texts = graphql(`
  fragment TemplateTexts on TemplateContent @_unmask {
    channel
    locale
    email {
      markup
      subject
      preheader
      source
      text
    }
    sms {
      body
    }
    push {
      title
      body
      link
    }
    inApp {
      title
      body
      link
    }
    voice {
      language
      voice
      machine
      steps {
        say
        pauseSeconds
      }
      keys {
        digit
        meaning
        say
      }
    }
    whatsapp {
      providerTemplate
      language
      approval
      variables
      body
    }
  }
`);

export const TemplateQuery = graphql(
  `
    query Template($code: String!) {
      template(code: $code) {
        code
        title
        kind
        class
        archived
        defaultLocale
        revision
        version
        variables
        changedAt
        changedBy {
          id
          name
        }
        contents {
          ...TemplateTexts
        }
        versions(first: 50) {
          version
          revision
          publishedAt
          contentHash
          includes
          publishedBy {
            id
            name
          }
        }
      }
    }
  `,
  [Texts],
);

export const VersionQuery = graphql(
  `
    query TemplateVersion($code: String!, $version: Int!) {
      templateVersion(code: $code, version: $version) {
        version
        defaultLocale
        variables
        contents {
          ...TemplateTexts
        }
      }
    }
  `,
  [Texts],
);

export const SaveTemplate = graphql(`
  mutation SaveTemplate($input: TemplateInput!, $idempotencyKey: String) {
    saveTemplate(input: $input, idempotencyKey: $idempotencyKey) {
      code
      revision
      template {
        code
        revision
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export const PublishTemplate = graphql(`
  mutation PublishTemplate($code: String!, $revision: Int, $idempotencyKey: String) {
    publishTemplate(code: $code, revision: $revision, idempotencyKey: $idempotencyKey) {
      version
      template {
        code
        version
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export const ArchiveTemplate = graphql(`
  mutation ArchiveTemplate($code: String!, $idempotencyKey: String) {
    archiveTemplate(code: $code, idempotencyKey: $idempotencyKey) {
      code
      template {
        code
        archived
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);

export const LintQuery = graphql(`
  query LintTemplate($template: PreviewedTemplateInput!) {
    lintTemplate(template: $template) {
      level
      code
      message
      channel
      locale
      field
      line
      column
      partial
    }
  }
`);

export const PreviewQuery = graphql(`
  query PreviewTemplate($input: PreviewTemplateInput!) {
    previewTemplate(input: $input) {
      preview {
        subject
        body
        html
        htmlBytes
        link
        locale
        segments
        ucs2
        variables
        steps {
          say
          pauseSeconds
        }
      }
      refusal {
        code
        message
        field
      }
    }
  }
`);
